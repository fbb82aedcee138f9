"""How a command's result reads on a terminal; `--json` bypasses this file."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

from studio.core.results.comparison import Comparison
from studio.core.types import NONE_OF_THESE


def plain(value: Any) -> Any:
    """JSON-able: dataclasses as objects, tuples as lists."""
    return json.loads(json.dumps(asdict(value) if is_dataclass(value) and not isinstance(value, type) else value, default=str))


def comparison_json(found: Comparison) -> dict[str, Any]:
    """One key a method; `few_shot` is the rung that stands for it, `best` the one to use with its reason."""
    methods: dict[str, Any] = {
        score.method: {k: v for k, v in plain(score).items() if k != "method" and v not in (None, [])} for score in found.scores
    }
    rest: dict[str, Any] = {"split": found.split, "classes": list(found.classes), "verdict": found.verdict}
    if found.few_shot:
        rest["few_shot"] = {"rung": found.few_shot, **methods[found.few_shot]}
    elif "linear" in methods:  # no rung could learn, and each says why
        rest["few_shot"] = methods["linear"]
    if found.best:
        rest["best"] = {**methods.get(found.best.rung, {}), **plain(found.best)}
    if found.caution:
        rest["caution"] = found.caution
    if found.calibration:
        rest["calibration"] = plain(found.calibration)
    if found.curve:
        rest |= {"advice": found.curve.advice, "curve": plain(found.curve)}
    return {**methods, **rest}


def as_text(command: str, result: Any) -> str:
    """Lines for people."""
    writers = {"import": _report, "models": _models, "samples": _samples, "runs": _runs, "compare": _comparison}
    write = {**writers, "predict": _predictions, "search": _rankings, "items": _items, "check": _findings,
             "history": _events, "agreement": _agreement}.get(command)  # fmt: skip
    return write(result) if write else "\n".join(_lines(result))


def _lines(result: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        elif value not in (None, "", []):
            said = ", ".join(map(str, value)) if isinstance(value, list) else value
            lines.append(f"{indent}{name}: {said}")
    return lines


def _report(r: dict[str, Any]) -> str:
    there = f"{r['duplicates']} already there" + (f" ({r['labelled']} of them labelled now)" if r["labelled"] else "")
    lines = [f"{r['added']} added, {there}, {r['rejected']} rejected, in {r['seconds']:.1f} s"]
    lines += [f"  {split}: {n}" for split, n in r["by_split"].items() if n]
    lines += [f"  rejected {x['file']}{_row(x)}: {x['reason']}" for x in r["rejects"][:20]]
    return "\n".join(lines)


def _findings(r: dict[str, Any]) -> str:
    lines = [f"There twice: {len(r['twins'])}, {r['leaks']} of them between training and held-out items"]
    lines += [f"  {t['first']['name']} and {t['second']['name']}, {t['likeness']:.0%} alike" for t in r["twins"][:20]]
    lines.append(f"Labels that look wrong: {len(r['doubts'])}{'. ' + r['why_no_doubts'] if r['why_no_doubts'] else ''}")
    lines += [
        f"  {d['item']['id']} {d['item']['name']}: {d['item']['label']}, looks like {d['suggested']} ({d['probability']:.0%})"
        for d in r["doubts"][:20]
    ]
    return "\n".join(lines)


def _events(r: dict[str, Any]) -> str:
    lines = []
    for e in r["events"]:
        what = f"{e['kind']}: {e['before'] or '–'} → {e['after'] or '–'}"
        aside = f" (said {e['said']}, put aside)" if e["stance"] == "aside" and e["said"] != e["after"] else ""
        lines.append(f"{datetime.fromtimestamp(e['at']):%Y-%m-%d %H:%M:%S}  {e['author']}  {what}{aside}")
    return "\n".join(lines) or "Nobody has done anything with it yet."


def _agreement(r: dict[str, Any]) -> str:
    lines = [f"{p['name']}: {p['labels']} labels" for p in r["people"]] or ["Nobody has labelled yet."]
    lines += [f"{p['one']} and {p['other']}: {_kappa(p)}" for p in r["pairs"]]
    lines += [f"All together: {_kappa(r['all'])}"] if r["all"] else []
    lines.append(f"To settle: {r['disputes']}")
    for d in r["to_settle"]:
        said = ", ".join(f"{o['author']}: {o['said']}" for o in d["opinions"])
        lines.append(f"  {d['item']['id']} {d['item']['name']}: {said}")
    return "\n".join(lines)


def _kappa(k: dict[str, Any]) -> str:
    value = "no kappa, one class alone was said" if k["value"] is None else f"kappa {k['value']:.2f}"
    interval = "" if k["low"] is None else f" [{k['low']:.2f}, {k['high']:.2f}]"
    return f"{value}{interval}, agree on {k['observed']:.0%} of {k['items']}"


def _row(reject: dict[str, Any]) -> str:
    return f", row {reject['row']}" if reject["row"] is not None else ""


def _models(r: dict[str, Any]) -> str:
    rows = [(m["id"], f"{m['download_mb']} MB{', here' if m['local'] else ''}", m["licence"], m["good_for"]) for m in r["models"]]
    return _columns([("model", "size", "licence", "good for"), *rows])


def _samples(r: dict[str, Any]) -> str:
    if not r["samples"]:
        return "No samples came with this installation."
    rows = [(s["name"], s["task"], str(s["items"]), s["problem"] or s["description"]) for s in r["samples"]]
    return _columns([("sample", "task", "items", "what it is"), *rows])


def _runs(r: dict[str, Any]) -> str:
    if not r["runs"]:
        return "No runs yet. Start one with: python -m studio train PROJECT --model MODEL"
    rows = [
        (x["id"], x["status"], x["method"], f"{x['step']}/{x['total']}", _share(x["accuracy"]), x["model"]) for x in r["runs"]
    ]
    return _columns([("run", "status", "method", "steps", "validation", "model"), *rows])


def _items(r: dict[str, Any]) -> str:
    rows = [(str(x["id"]), x["split"], x["label"] or "–", x["content"].get("text", x["name"])[:80]) for x in r["items"]]
    more = [f"{r['total'] - len(rows)} more match."] if r["total"] > len(rows) else []
    return "\n".join([_columns([("item", "split", "label", "what"), *rows]), *more])


def _comparison(r: dict[str, Any]) -> str:
    lines = []
    few_shot = r.get("few_shot", {}).get("rung")
    methods = {k: v for k, v in r.items() if isinstance(v, dict) and "n" in v and k not in ("few_shot", "best", "calibration")}
    width = max((len(score["title"]) + 2 for score in methods.values()), default=0)
    for name, score in methods.items():
        title = score["title"] + (" *" if name == few_shot else "")
        if "why_not" in score:
            lines.append(f"{title:<{width}} –  {score['why_not']}")
        elif "recall" in score:
            lines.append(f"{title:<{width}} " + "  ".join(f"{k} {v:.3f}" for k, v in score["recall"].items()))
        else:
            low, high = score["ci95"]
            interval = f"[{low:.3f}, {high:.3f}]"
            ranked = f"mAP {score['mean_average_precision']:.3f}  " if "mean_average_precision" in score else ""
            figures = f"{'exact match' if ranked else 'accuracy'} {score['accuracy']:.3f} {interval}"
            figures += f"  macro-F1 {score['macro_f1']:.3f}  {ranked}n = {score['n']}"
            lines.append(f"{title:<{width}} {figures}  ({score['note']})")
    best = r.get("best")
    said = [f"Best by the labels alone: {best['title']}. {best['reason']}"] if best else []
    advice = [f"{r['advice'][:1].upper()}{r['advice'][1:]}"] if r.get("advice") else []
    advice += ["* stands for few-shot."] if few_shot else []
    caution = [r["caution"]] if r.get("caution") else []
    return "\n".join([*lines, f"On the {r['split']} split.", *caution, r["verdict"], *said, *advice])


def _predictions(r: dict[str, Any]) -> str:
    lines = []
    for table in r["predictions"]:
        lines.append(table["input"])
        for answer in table["answers"]:
            if answer["probabilities"] is None:
                lines.append(f"  {answer['title']:<12} –  {answer['why_not']}")
                continue
            best = sorted(zip(answer["probabilities"], table["classes"], strict=True), reverse=True)
            if table["several"]:
                best = [(p, name) for p, name in best if p > 0.5]
            said = ", ".join(f"{name} {p:.0%}" for p, name in (best if table["several"] else best[:3])) or NONE_OF_THESE
            doubt = "not sure: " if answer["sure"] is False else ""
            lines.append(f"  {answer['title']:<12} {doubt}{said}  ({answer['milliseconds']:.0f} ms)")
    return "\n".join(lines)


def _rankings(r: dict[str, Any]) -> str:
    lines = []
    for ranking in r.values():
        lines.append(f"{ranking['title']}  {ranking['why_not'] or ''}".rstrip())
        lines += [f"  {h['score']:.3f}  {h['item']['name']}  {h['item']['content'].get('text', '')}" for h in ranking["hits"]]
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _columns(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
