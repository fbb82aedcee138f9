"""How a command's result reads on a terminal; `--json` bypasses this file."""

from __future__ import annotations

from typing import Any


def as_text(command: str, result: Any) -> str:
    """Lines for people."""
    writers = {"import": _report, "models": _models, "runs": _runs, "compare": _comparison}
    write = {**writers, "predict": _predictions, "search": _rankings}.get(command)
    return write(result) if write else "\n".join(f"{k}: {v}" for k, v in result.items() if v not in (None, ""))


def _report(r: dict[str, Any]) -> str:
    lines = [f"{r['added']} added, {r['duplicates']} already there, {r['rejected']} rejected, in {r['seconds']:.1f} s"]
    lines += [f"  {split}: {n}" for split, n in r["by_split"].items() if n]
    lines += [f"  rejected {x['file']}{_row(x)}: {x['reason']}" for x in r["rejects"][:20]]
    return "\n".join(lines)


def _row(reject: dict[str, Any]) -> str:
    return f", row {reject['row']}" if reject["row"] is not None else ""


def _models(r: dict[str, Any]) -> str:
    rows = [(m["id"], "here" if m["local"] else f"{m['download_mb']} MB", m["licence"], m["good_for"]) for m in r["models"]]
    return _columns([("model", "size", "licence", "good for"), *rows])


def _runs(r: dict[str, Any]) -> str:
    if not r["runs"]:
        return "No runs yet. Start one with: python -m studio train PROJECT --model MODEL"
    rows = [
        (x["id"], x["status"], x["method"], f"{x['step']}/{x['total']}", _share(x["accuracy"]), x["model"]) for x in r["runs"]
    ]
    return _columns([("run", "status", "method", "steps", "validation", "model"), *rows])


def _comparison(r: dict[str, Any]) -> str:
    lines = []
    for name in ("zero_shot", "few_shot", "lora"):
        score = r.get(name)
        if score is None:
            continue
        if "why_not" in score:
            lines.append(f"{score['title']:<14} –  {score['why_not']}")
        elif "recall" in score:
            lines.append(f"{score['title']:<14} " + "  ".join(f"{k} {v:.3f}" for k, v in score["recall"].items()))
        else:
            low, high = score["ci95"]
            interval = f"[{low:.3f}, {high:.3f}]"
            lines.append(
                f"{score['title']:<14} accuracy {score['accuracy']:.3f} {interval}  macro-F1 {score['macro_f1']:.3f}  "
                f"n = {score['n']}  ({score['note']})"
            )
    return "\n".join([*lines, f"On the {r['split']} split.", r["verdict"]])


def _predictions(r: dict[str, Any]) -> str:
    lines = []
    for table in r["predictions"]:
        lines.append(table["input"])
        for answer in table["answers"]:
            if answer["probabilities"] is None:
                lines.append(f"  {answer['title']:<12} –  {answer['why_not']}")
                continue
            best = sorted(zip(answer["probabilities"], table["classes"], strict=True), reverse=True)[:3]
            said = ", ".join(f"{name} {p:.0%}" for p, name in best)
            lines.append(f"  {answer['title']:<12} {said}  ({answer['milliseconds']:.0f} ms)")
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
