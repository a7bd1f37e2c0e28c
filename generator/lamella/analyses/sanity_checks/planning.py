"""What is to be tested: methods, stages, images, masks, chosen by the first run.

Flow: model + images -> choice, masks, randomization -> **planning** -> compute.
"""

from __future__ import annotations

from dataclasses import asdict

from lamella.analyses.job import Job
from lamella.analyses.sanity_checks.choice import confident_images, readable
from lamella.analyses.sanity_checks.masks import Mask, Masks, masks_of, read
from lamella.analyses.sanity_checks.randomization import stages
from lamella.analyses.sanity_checks.stored import ABSENT, PLAN, Plan
from lamella.attribution.compute import Options, defined
from lamella.attribution.scores import outputs_of
from lamella.errors import ModelError
from lamella.images.images import Images


def check(job: Job) -> None:
    """Refuse masks that there cannot be; note why nothing will be tested of a network without
    class scores, before pages are drawn for the first time.

    Raises:
        LamellaError: the folder of masks is not as it should be.
    """
    masks_of(job)
    try:
        outputs_of(job.model)
    except ModelError as error:
        job.remember(ABSENT, error.problem)


def wanted(job: Job) -> list[int]:
    """The entries of the plan; none where nothing can be tested."""
    return [] if job.recall(ABSENT) else list(plan_of(job).entries)


def plan_of(job: Job) -> Plan:
    """What is tested, as the first run chose it.

    Raises:
        LamellaError: the folder of masks is not as it should be.
    """
    plain = job.recall(PLAN)
    if plain is None:
        plain = asdict(_new_plan(job))
        job.remember(PLAN, plain)
    return Plan.read(plain)


def _new_plan(job: Job) -> Plan:
    methods, missing = defined(job.model)
    masks = masks_of(job)
    left_out = dict(masks.left_out)
    masked = readable(job.images, list(masks.files))
    for number in list(masked):
        if not mask_of(job.images, masks, number).any():
            masked.remove(number)
            name = job.images.manifest.photographs[number].name
            left_out[name] = "its mask is empty within the square that the network sees"
    most = max(job.settings.images, job.settings.curves)
    chosen = confident_images(job.model, job.images, most, masked)
    return Plan(
        methods,
        missing,
        tuple(stage.name for stage in stages(job.model)),
        tuple(chosen[: job.settings.images]),
        tuple(chosen[: job.settings.curves]),
        tuple(masked),
        left_out,
        asdict(options_of(job)),
    )


def options_of(job: Job) -> Options:
    """The settings of the methods: coarser than on the pages of attribution maps, since they run
    often."""
    side = min(job.model.facts.size)
    patch = min(job.settings.patch or max(1, round(side * 2 / 7)), side)
    stride = min(job.settings.stride or max(1, round(side / 7)), patch)
    return Options(patch=patch, stride=stride, steps=job.settings.steps)


def mask_of(images: Images, masks: Masks, number: int) -> Mask:
    return read(masks.files[number], images.preprocessing)
