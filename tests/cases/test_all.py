"""The table: each case and the tests that hold it; some lie with the files that they are about."""

import re
from pathlib import Path

import pytest

from cases.networks import NETWORKS

TESTS = Path(__file__).parents[1]
OWN = "cases/test_networks.py::test_a_network_is_built_and_what_is_to_say_is_told"
STORED = "cases/test_networks.py::test_what_is_stored_of_a_layer_is_its_own"
EQUAL = "cases/test_networks.py::test_two_forms_of_a_network_have_the_same_numbers"
REFUSED = "cases/test_networks.py::test_what_cannot_be_is_refused_with_a_remedy"
MENDED = "cases/test_networks.py::test_what_the_remedy_says_helps"

CASES: dict[str, tuple[str, ...]] = {
    "01 one channel": (REFUSED, MENDED),  # other numbers of channels than 1 and 3: not yet
    "02 half precision": (
        OWN,
        STORED,
        "network/test_model.py::test_a_network_with_autocast_inside_has_all_analyses",
    ),
    "03 outputs": (
        OWN,
        "cases/test_networks.py::test_outputs_that_are_no_scores_say_what_to_do",
        "network/test_outputs.py::test_what_is_not_there_is_told",
    ),
    "04 linked folders": ("images/test_images.py::test_what_is_passed_over_is_counted",),
    "05 scripted": (OWN, STORED, REFUSED),
    "06 transposed groups": (
        OWN,
        "network/test_trace.py::test_kernels_of_grouped_transposed_convolutions",
    ),
    "07 batch of one": (OWN, STORED),
    "08 compiled": (OWN, STORED, EQUAL),
    "10 class names": ("network/test_model.py::test_names_of_classes_are_read_or_refused",),
    "11 no grad": (
        OWN,
        "cases/test_networks.py::test_layers_without_a_path_for_gradients_say_so",
        "network/test_model.py::test_an_analysis_that_cannot_run_ends_no_other",
        "pipeline/test_pipeline.py::test_a_layer_that_cannot_be_analysed_leaves_the_others",
    ),
    "12 in place": (OWN, STORED, EQUAL),
    "13 attention": (OWN, STORED),
    "14 few": (
        "cases/test_networks.py::test_few_or_plain_images_end_no_analysis",
        "analyses/embedding/test_compute.py::test_few_units_have_a_map_too",
        "analyses/image_embeddings/test_space.py::"
        "test_few_or_equal_images_have_the_planes_that_they_allow",
        "analyses/activation_atlas/test_projection.py::test_few_vectors_have_places_too",
        "analyses/sanity_checks/test_sanity_checks.py::test_one_image_is_enough",
        "analyses/dissection/test_dissection.py::"
        "test_a_single_image_and_too_few_are_said_to_be_too_few",
    ),
    "15 registers": (
        OWN,
        "cases/test_networks.py::test_patches_lie_where_they_are_beside_registers",
        "attribution/test_rollout.py::test_registers_before_and_behind_the_patches",
    ),
    "17 checkpoints": (
        "loading/test_checkpoint.py::test_the_state_dict_is_found",
        "loading/test_checkpoint.py::test_where_it_lay_and_what_is_not_read_is_told",
        "loading/test_checkpoint.py::test_a_key_chooses",
        "loading/test_checkpoint.py::test_several_that_fit_are_not_guessed_among",
        "loading/test_checkpoint.py::test_objects_are_never_executed",
        "loading/test_checkpoint.py::test_a_network_for_several_devices_takes_the_weights_of_one",
    ),
    "18 suffixes": ("images/test_images.py::test_what_is_passed_over_is_counted",),
    "19 deep": (
        "images/test_images.py::test_greys",
        "images/test_images.py::test_greys_of_32_bits",
        "images/test_images.py::test_greys_in_floating_point",
        "images/test_images.py::test_other_floating_point_is_passed_over",
    ),
    "20 not square": (
        REFUSED,
        MENDED,
        "cases/test_rectangles.py::test_pictures_of_objectives_are_rectangles",
    ),
    "21 fourier": (OWN, STORED),
    "22 dropout on": (OWN,),
    "23 view": (OWN, STORED),
    "24 names": ("cases/test_names.py::test_every_link_leads_somewhere_and_no_name_is_markup",),
    "25 branches": (
        OWN,
        STORED,
        "cases/test_networks.py::test_images_on_another_path_than_those_tried_name_the_layers",
        "network/test_paths.py::test_layers_that_run_for_some_images_are_left_out",
    ),
    "26 quantized": (REFUSED,),
    "27 nan norm": (REFUSED, MENDED),
}


@pytest.mark.parametrize("case", CASES)
def test_every_case_is_held_by_tests_that_exist(case: str) -> None:
    for named in CASES[case]:
        file, _, test = named.partition("::")
        text = (TESTS / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {test}\(", text, re.MULTILINE), named


def test_every_network_belongs_to_a_case() -> None:
    assert {name[:2] for name in NETWORKS} <= {case[:2] for case in CASES}
    assert len(CASES) == 25
