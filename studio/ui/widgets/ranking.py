"""What a search found, one column a method: pictures for a text, texts for a picture, each with its cosine similarity."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.results.answers import Hit, Ranking
from studio.ui.server import MEDIA
from studio.ui.widgets.markup import Markup, tag, took


def ranking_board(project_id: str, rankings: Sequence[Ranking], shows: str) -> Markup:
    """Columns side by side; `shows` is the modality of the hits, `image` or `text`."""
    return tag("div", *(_column(project_id, ranking, shows) for ranking in rankings), class_="lr-board")


def _column(project_id: str, ranking: Ranking, shows: str) -> Markup:
    head = tag("h3", ranking.title, tag("small", f" {took(ranking.milliseconds)}" if ranking.hits else ""))
    if not ranking.hits:
        return tag("section", head, tag("p", ranking.why_not or "Nothing found.", class_="st-note"), class_="st-card")
    cells = (_hit(project_id, hit, place, shows) for place, hit in enumerate(ranking.hits, start=1))
    return tag("section", head, tag("ol", *cells, class_=f"lr-hits {shows}"), class_="st-card")


def _hit(project_id: str, hit: Hit, place: int, shows: str) -> Markup:
    score = tag("span", f"{place}. {hit.score:.3f}", class_="lr-score")
    text = hit.item.content.get("text", hit.item.name)
    if shows == "text":
        return tag("li", score, tag("span", text))
    source = f"{MEDIA}/{project_id}/{hit.item.content['image']}/240"
    return tag("li", tag("img", src=source, alt=text, title=text, loading="lazy"), score)
