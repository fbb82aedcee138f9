"""The work of one run, in whatever thread or process calls `execute`. Everything it learns goes into the run's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor

from studio.core.config import TrainConfig
from studio.core.errors import CannotRun, StudioError
from studio.core.interfaces import FoundationModel, Objective, Progress, Snapshot, Task
from studio.core.types import TrainEvent
from studio.learning.checkpoint import Checkpoint
from studio.learning.classifier import Classifier
from studio.learning.features import FeatureCache
from studio.learning.finetune import fit
from studio.learning.ladder import choose_rung, support_of
from studio.learning.predictor import Answering
from studio.learning.rungs import learn, rung
from studio.learning.zero_shot import StartingPoint
from studio.models.device import native_bf16
from studio.runs.finish import Heads, Judged, Outcome, finish
from studio.runs.folder import RunFolder, RunSpec
from studio.runs.general import General
from studio.runs.preflight import preflight
from studio.runs.result import publish_result, write_adapter, write_rung
from studio.tasks import known_to

STATE_EVERY_S = 0.4
"""How often `state.json` follows the steps; pages look once a second."""


class Interrupted(Exception):
    """The process is closing: the run stays resumable."""


class _Stopped(Exception):
    """Somebody asked the run to stop."""


@dataclass(frozen=True, slots=True)
class Materials:
    """What a run works with."""

    model: FoundationModel
    task: Task
    data: Snapshot
    features: FeatureCache
    general: General | None = None


def execute(folder: RunFolder, gather: Callable[[RunSpec, Progress], Materials], ending: Callable[[], bool]) -> None:
    """Do the run. Ends with status done, stopped, failed or interrupted in its state; raises nothing of its own.

    `gather` loads what it works with and is called inside, so that a model that cannot be loaded is a failed run;
    `ending` says whether the process wants to end.
    """
    folder.clear_unfinished()
    folder.update(status="running", started=folder.state().get("started") or time.time(), error=None, hint=None, ended=None)
    try:
        spec = folder.spec
        _say(folder, f"Loading {spec.model}")
        materials = gather(spec, _watch(folder, ending))
        work = _run_lora if spec.tunes else _run_rung
        work(folder, spec, materials, ending)
        folder.update(status="done", ended=time.time(), eta_s=None)
    except _Stopped:
        folder.update(status="stopped", ended=time.time(), eta_s=None, note="Stopped. It can be resumed.")
    except Interrupted:
        folder.update(status="interrupted", ended=time.time(), eta_s=None, note="Studio was closed. It can be resumed.")
    except StudioError as error:
        # what a method lacks, the run's frozen items and settings will lack again
        _fail(folder, error.message, error.hint, for_good=isinstance(error, CannotRun))
    except Exception as error:  # the queue must go on, and the page must say what happened
        _fail(
            folder, f"{type(error).__name__}: {error}", "This is a fault in Studio or in the model; the run's folder has the log."
        )
        raise


def _run_rung(folder: RunFolder, spec: RunSpec, m: Materials, ending: Callable[[], bool]) -> None:
    """A rung on cached features: the one asked for, or the one that the evidence chooses."""
    watch = _watch(folder, ending)
    support = support_of(m.model, m.task, m.data, m.features, spec.classes, spec.prompts, spec.train.seed, watch)
    chosen = choose_rung(spec.method, support, watch)
    judged = None if chosen.logits is None else Judged(chosen.logits, support.labels)
    scores = _validate(Answering(m.model, chosen.classifier), m) or (judged.scores if judged else {})
    publish_result(folder, partial(write_rung, chosen.classifier, judged))
    _say(folder, chosen.reason)
    folder.publish_report({"validation": scores, "rung": chosen.classifier.rung, "reason": chosen.reason})
    folder.append(TrainEvent("eval", 1, 1, time.time(), scores))
    folder.update(step=1, total=1, accuracy=scores.get("accuracy"), nll=scores.get("loss"))


def _run_lora(folder: RunFolder, spec: RunSpec, m: Materials, ending: Callable[[], bool]) -> None:
    watch = _watch(folder, ending)
    prior = StartingPoint(spec.classes, spec.prompts, _first_head(spec, m, watch) if m.task.trains_head else None)
    config = _measured(folder, spec, m, prior, ending)
    model = m.model.adapted(config.lora, seed=config.seed)
    objective = m.task.objective(model, m.data.train, prior, config)
    resume = _newest_checkpoint(folder)
    if resume:
        _say(folder, f"Going on from step {resume.step}")
    events = fit(
        model,
        m.task,
        objective,
        m.data,
        config,
        resume,
        partial(_save, folder),
        _bf16(spec, m),
        folder.path,
        partial(_beat, folder, ending),
    )
    scores = _follow(folder, events, ending)
    folder.update(eta_s=None, note="Finishing")
    heads, bf16 = _heads(objective, prior, spec, m.task.several), _bf16(spec, m)
    outcome = finish(model, m.task, m.data, spec, heads, _watch(folder, ending, learnt=True), m.general, bf16)
    publish_result(folder, partial(write_adapter, model, outcome))
    _say_the_end(folder, outcome)
    if outcome.judged is not None:
        scores = outcome.judged.scores
        _tell(folder, outcome, scores)
    folder.publish_report({"validation": scores, "adapted_modules": list(model.adapted_modules), **outcome.report()})
    model.close()


def _tell(folder: RunFolder, outcome: Outcome, scores: dict[str, float]) -> None:
    """What the validation items say of the run as it answers from now on."""
    state = folder.state()
    folder.append(TrainEvent("eval", state["step"], state["total"], time.time(), scores))
    folder.update(accuracy=scores["accuracy"], nll=scores["loss"])


def _say_the_end(folder: RunFolder, outcome: Outcome) -> None:
    """In place of the note on the work: what is special about the result, or nothing."""
    state = folder.state()
    folder.update(note="" if state["step"] == state["total"] else f"Stopped at step {state['step']}, and kept")
    if outcome.note:
        _say(folder, outcome.note)
    if outcome.strength != 1.0:
        _say(folder, f"The adapter counts {outcome.strength:g}: on the validation items that is better than the whole of it")


def _measured(folder: RunFolder, spec: RunSpec, m: Materials, prior: StartingPoint, ending: Callable[[], bool]) -> TrainConfig:
    """The run's settings, with the micro-batch that fits; says what the run will take. Measured once a run."""
    found = folder.preflight()
    if found is None:
        _say(folder, "Measuring a few steps")
        elsewhere = len(m.general.payloads) if m.general else 0
        beat = partial(_beat, folder, ending)
        found = preflight(m.model, m.task, m.data, prior, spec.train, _bf16(spec, m), general=elsewhere, beat=beat)
        folder.publish_preflight(found)
        _say(folder, str(found))
        folder.update(eta_s=found.total_s, memory_mb=found.memory_mb, device=found.device)
    return replace(spec.train, micro_batch=found.micro_batch) if found.micro_batch else spec.train


def _bf16(spec: RunSpec, m: Materials) -> bool:
    """Whether to compute in bf16: as asked, or where the device does it natively and it pays."""
    device = m.model.device
    # the gradient of depthwise convolutions in bf16 is several times slower than in fp32 on a CPU
    pays = device != "cpu" or not m.model.info.convolutional
    return spec.train.precision == "bf16" or (spec.train.precision == "auto" and pays and native_bf16(device))


def _follow(folder: RunFolder, events: Generator[TrainEvent, None, None], ending: Callable[[], bool]) -> dict[str, float]:
    """Write events as they come until the run is over or somebody wants it to be; the newest held-out scores."""
    scores: dict[str, float] = {}
    written = 0.0
    with closing(events):  # closed at once when left, so that its last checkpoint is on disk before anything else
        for event in events:
            folder.append(event)
            if event.kind == "eval":
                scores = dict(event.values)
            if "micro_batch" in event.values:
                _keep_micro_batch(folder, int(event.values["micro_batch"]))
            now = time.monotonic()
            if event.kind != "step" or now - written >= STATE_EVERY_S or event.step == event.total:
                folder.update(**_state_of(event))
                written = now
            if _wants_end(folder, ending) and event.step > 0:
                folder.update(**_state_of(event))  # the newest step may be younger than the newest state
                _say(folder, f"Stopped at step {event.step}, and kept")
                break
    return scores


def _keep_micro_batch(folder: RunFolder, size: int) -> None:
    """What fits after all, so that a resumed run goes on in the same parts: its dropout depends on them."""
    if (measured := folder.preflight()) is not None:
        folder.publish_preflight(replace(measured, micro_batch=size))


def _wants_end(folder: RunFolder, ending: Callable[[], bool]) -> bool:
    """True for stop-and-keep. Raises Interrupted or _Stopped for the other ways to end."""
    if ending():
        raise Interrupted
    wish = folder.wish()
    if wish == "stop":
        raise _Stopped
    return wish == "keep"


def _beat(folder: RunFolder, ending: Callable[[], bool]) -> None:
    """Between the parts of what takes long: raises Interrupted or _Stopped. Stop-and-keep waits for its end."""
    _wants_end(folder, ending)


def _watch(folder: RunFolder, ending: Callable[[], bool], learnt: bool = False) -> Progress:
    """Progress of the work before or after the steps, shown as the run's note.

    Before them, a wish to end stops the run: there is nothing to keep yet. Once it has `learnt`, what it learnt lies in its last
    checkpoint: a wish to stop or a closing process stops it, and it can be resumed; a wish to keep is what it works on.
    """
    written = [0.0]

    def progress(done: int, total: int, what: str) -> None:
        if learnt:
            _beat(folder, ending)
        if not learnt and _wants_end(folder, ending):
            raise _Stopped
        if time.monotonic() - written[0] >= STATE_EVERY_S:
            written[0] = time.monotonic()
            folder.update(note=f"{what}: {done} of {total}")

    return progress


def _first_head(spec: RunSpec, m: Materials, progress: Progress) -> tuple[Tensor, Tensor]:
    """The frozen features' head: where the one beside the adapter starts."""
    support = support_of(m.model, m.task, m.data, m.features, spec.classes, spec.prompts, spec.train.seed, progress)
    head = learn(rung("linear"), support)
    return head.weight, head.bias


def _heads(objective: Objective, prior: StartingPoint, spec: RunSpec, several: bool) -> Heads | None:
    if objective.module is None or prior.head is None:
        return None
    tensors = {n: p.detach().cpu() for n, p in objective.module.named_parameters()}
    trained = Classifier("lora", spec.classes, tensors["weight"], tensors["bias"], several=several)
    return Heads(trained, Classifier("linear", spec.classes, *prior.head, several=several))


def _validate(predictor: Answering, m: Materials) -> dict[str, float]:
    """Accuracy on the validation items; empty where there are none."""
    items = known_to(m.task, m.data.held_out, predictor.classes)
    if not items:
        return {}
    x, raw = m.features.both(predictor.model, m.task.modalities[0], items, m.data.payload)
    said = predictor.predict(x, raw)
    return {"accuracy": sum(a.label == i.label for a, i in zip(said, items, strict=True)) / len(items)}


def _newest_checkpoint(folder: RunFolder) -> Checkpoint | None:
    """The newest one that can be read: a damaged one costs the steps since the one before, not the run."""
    return next((found for path in folder.checkpoints() if (found := Checkpoint.read(path))), None)


def _save(folder: RunFolder, checkpoint: Checkpoint) -> None:
    folder.publish_checkpoint(checkpoint.files(), checkpoint.step)


def _state_of(event: TrainEvent) -> dict[str, object]:
    """What of an event belongs into `state.json`."""
    shown = {
        k: event.values[k] for k in ("loss", "steps_per_s", "eta_s", "memory_mb") if event.kind == "step" and k in event.values
    }
    if event.kind == "eval" and "accuracy" in event.values:
        shown |= {"accuracy": event.values["accuracy"], "nll": event.values.get("loss")}
    if event.kind == "step":
        shown["note"] = "Training"
    if event.kind == "start":
        shown |= {"device": event.values.get("device", ""), "note": "Training"}
    if event.kind == "log":
        shown["note"] = event.values["message"]
    return {"step": event.step, "total": event.total, **shown}


def _say(folder: RunFolder, message: str) -> None:
    state = folder.state()
    folder.append(TrainEvent("log", state.get("step", 0), state.get("total", 0), time.time(), {"message": message}))
    folder.update(note=message)


def _fail(folder: RunFolder, error: str, hint: str, for_good: bool = False) -> None:
    _say(folder, error)
    folder.update(status="failed", ended=time.time(), eta_s=None, error=error, hint=hint, for_good=for_good)
