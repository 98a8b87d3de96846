"""The results of batches, with adapters that fail on purpose."""

import torch

from inference.runtime.adapters import AdapterClosed, Canceled, Job, JobFailed, Output, Value
from inference.runtime.engine import FAILED, OUT_OF_MEMORY, UNLOADED, run_batch


class Echo:
    """Returns each job's text; fails if a job's inputs say so, and runs out of memory above `room` jobs."""

    task = "echo"
    pipeline_classes = frozenset({"EchoPipeline"})

    def __init__(self, room=100, out_of_memory=None):
        self.room = room
        self.out_of_memory = out_of_memory or torch.OutOfMemoryError("CUDA out of memory at /home/node/x.py")
        self.batches = []

    def run(self, jobs):
        self.batches.append([job.inputs["text"] for job in jobs])
        if len(jobs) > self.room:
            raise self.out_of_memory
        for job in jobs:
            if isinstance(job.inputs.get("poison"), Exception):
                raise job.inputs["poison"]
        return [
            job.inputs.get("ending") or [Output(job.inputs["text"].encode(), "text/plain", None, None)] for job in jobs
        ]


def job(text, **inputs):
    return Job(inputs={"text": text, **inputs}, on_step=lambda *_: None, canceled=lambda: False)


def ends(results):
    return [(b"".join(output.data for output in result.outputs), result.error, result.batch_size) for result in results]


def test_a_batch_gives_each_job_its_own_outputs():
    adapter = Echo()
    results = run_batch(adapter, [job("a"), job("b")])
    assert ends(results) == [(b"a", None, 2), (b"b", None, 2)]
    assert all(result.run_seconds >= 0 and result.canceled_at_step is None for result in results)
    assert run_batch(adapter, []) == []


def test_a_faulty_input_fails_alone_with_a_neutral_message(caplog):
    adapter = Echo()
    results = run_batch(adapter, [job("a"), job("b", poison=KeyError("/srv/secret/weights.py")), job("c")])
    assert ends(results) == [(b"a", None, 1), (b"", FAILED, 1), (b"c", None, 1)]
    assert adapter.batches == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert "/srv/secret/weights.py" in caplog.text  # the operator sees the whole error


def test_out_of_memory_halves_the_batch():
    for error in (None, MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")):
        adapter = Echo(room=2, out_of_memory=error)
        results = run_batch(adapter, [job(text) for text in "abcde"])
        assert ends(results) == [(b"a", None, 2), (b"b", None, 2), (b"c", None, 1), (b"d", None, 2), (b"e", None, 2)]
        assert [len(batch) for batch in adapter.batches] == [5, 3, 2, 1, 2]


def test_a_job_too_large_even_alone_says_what_to_do():
    assert ends(run_batch(Echo(room=0), [job("a"), job("b")])) == [(b"", OUT_OF_MEMORY, 1)] * 2


def test_failures_of_single_jobs_are_kept():
    results = run_batch(Echo(), [job("a", ending=Canceled(3)), job("b", ending=JobFailed("Too dark.")), job("c")])
    assert [result.canceled_at_step for result in results] == [3, None, None]
    assert ends(results) == [(b"", None, 3), (b"", "Too dark.", 3), (b"c", None, 3)]


def test_a_value_is_a_result_without_files():
    value, files = run_batch(Echo(), [job("a", ending=Value({"score": 0.5})), job("b")])
    assert (value.value, value.outputs, value.error) == ({"score": 0.5}, (), None)
    assert (files.value, len(files.outputs)) == (None, 1)


def test_a_model_that_was_unloaded_is_named_as_the_cause():
    assert ends(run_batch(Echo(), [job("a", poison=AdapterClosed())])) == [(b"", UNLOADED, 1)]


def test_after_a_wrong_number_of_endings_jobs_run_alone():
    class Forgetful(Echo):
        def run(self, jobs):
            return super().run(jobs)[: max(1, len(jobs) - 1)]

    assert ends(run_batch(Forgetful(), [job("a"), job("b")])) == [(b"a", None, 1), (b"b", None, 1)]


def test_real_weights_through_the_engine(hero, watched):
    wrong = watched(num_inference_steps=1, width=70)  # not a multiple of 8: the pipeline refuses it
    right = watched(num_inference_steps=1)
    refused, done = run_batch(hero, [wrong.job, right.job])
    assert (refused.error, refused.outputs) == (FAILED, ())
    assert (done.error, done.batch_size, len(done.outputs)) == (None, 1, 1)
    assert done.run_seconds > 0
