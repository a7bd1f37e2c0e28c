"""A tiny atlas of every family of torchvision and timm, and of networks of one's own: what becomes
of each, and whether its maps lie where they should. `make matrix-networks` writes the table."""

import json
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from click.testing import CliRunner
from PIL import Image
from torch import Tensor

from families.own import NETWORKS
from lamella.cli import main
from lamella.config.config import load as read
from lamella.errors import LamellaError
from lamella.network.activations import visit
from lamella.network.model import Model
from lamella.network.paths import SHARED
from lamella.pipeline.pipeline import Analysis

TORCHVISION = (
    "alexnet vgg11_bn resnet18 resnext50_32x4d wide_resnet50_2 densenet121 googlenet inception_v3 "
    "mobilenet_v2 mobilenet_v3_small shufflenet_v2_x0_5 squeezenet1_1 mnasnet0_5 efficientnet_b0 "
    "efficientnet_v2_s regnet_y_400mf convnext_tiny vit_b_32 swin_t swin_v2_t maxvit_t"
)
TIMM = (
    "resnet26 resnetv2_50 vit_tiny_patch16_224 vit_small_patch14_reg4_dinov2 "
    "deit_tiny_distilled_patch16_224 convmixer_768_32 mixer_s32_224 vit_tiny_r_s16_p8_224 "
    "swin_tiny_patch4_window7_224 convnextv2_atto efficientformer_l1 mobilevit_xxs coat_tiny "
    "edgenext_xx_small fastvit_t8 ghostnet_050 hrnet_w18_small levit_128s nf_resnet26 eca_nfnet_l0 "
    "pvt_v2_b0 repvgg_a0 res2net50_26w_4s rexnet_100 selecsls42 skresnet18 tinynet_e volo_d1_224 "
    "xcit_nano_12_p16_224 hiera_tiny_224 eva02_tiny_patch14_224 cait_xxs24_224 crossvit_tiny_240 "
    "gcvit_xxtiny poolformer_s12 resmlp_12_224 twins_pcpvt_small visformer_tiny gmlp_ti16_224 "
    "mvitv2_tiny nest_tiny tnt_s_patch16_224 pit_ti_224 focalnet_tiny_srf davit_tiny "
    "mambaout_femto tiny_vit_5m_224 repvit_m0_9 starnet_s050 botnet26t_256 lambda_resnet26t "
    "halonet26t inception_next_atto convit_tiny vit_base_patch32_clip_224"
)
# Of one's own that are refused, and what is said of them.
REFUSED = {"two inputs": "takes more than images", "channels last input": "does not run on"}
# What of an analysis is rightly told, though all others run.
TOLD = {"branched": "took another path than when it was traced"}
LAYERS, IMAGES = 4, 4
SLOW = "feature_visualization"  # of one layer
PANELS = [SLOW, "dataset_examples", "activation_spectrum", "weights"]


@dataclass(frozen=True)
class Verdict:
    """What became of one network.

    Attributes:
        verdict: "works", "works, ..." with what is told of it, "refused: ..." or "fails: ...".
    """

    source: str
    layers: int = 0
    channels: int = 0
    verdict: str = ""
    seconds: float = 0.0


def sources() -> Iterator[str]:
    """All networks, as [model] source names them."""
    yield from (f"torchvision:{name}" for name in TORCHVISION.split())
    yield from (f"timm:{name}" for name in TIMM.split())
    yield from (f"own:{name}" for name in NETWORKS)


def atlas_of(source: str, folder: Path) -> Path:
    """An atlas.toml in an empty folder, with a few photographs beside it."""
    random = np.random.default_rng(0)
    (folder / "images").mkdir()
    for number in range(IMAGES):
        coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((320, 260), Image.Resampling.BICUBIC).save(
            folder / "images" / f"{number}.png"
        )
    library, _, name = source.partition(":")
    more = 'weights = "random"'
    if library == "own":
        source, more = "network.py:network", "[model.preprocessing]\nsize = 32\nresize = 32"
        here = str(Path(__file__).parents[1])
        (folder / "network.py").write_text(
            f"import sys\nsys.path.insert(0, {here!r})\nfrom families.own import made\n\n\n"
            f"def network():\n    return made({name!r})\n"
        )
    file = folder / "atlas.toml"
    file.write_text(
        f'title = "A family"\n[images]\nfolder = "images"\n[analysis]\ndevice = "cpu"\n'
        f"panels = {PANELS}\n[panels.feature_visualization]\nsteps = 1\n"
        f'[model]\nname = "net"\nsource = "{source}"\n{more}\n'
    )
    return file


def judged(source: str) -> Verdict:
    """Read a network, check where its maps lie, build a tiny atlas of it."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        file = atlas_of(source, Path(folder))
        told: list[str] = []
        try:
            model = Analysis.of(read(file)).model
            flaws = checked(model)
        except LamellaError as error:
            name = source.partition(":")[2]
            right = name in REFUSED and REFUSED[name] in str(error)
            said = re.sub(r"\s+", " ", error.problem)[:160]
            return Verdict(source, verdict=f"{'refused' if right else 'fails'}: {said}")
        except Exception:
            return Verdict(source, verdict=f"fails: {traceback.format_exc(limit=-1)[-160:]}")
        names = [layer.name for layer in model.facts.layers]
        chosen = sorted({names[at * (len(names) - 1) // (LAYERS - 1)] for at in range(LAYERS)})
        some = json.dumps([re.sub(r"([*?\[])", r"[\1]", name) for name in chosen])
        file.write_text(file.read_text().replace("[analysis]", f"[analysis]\nlayers = {some}"))
        one = ("analyse", str(file), "--panel", SLOW, "--channels", "0", "--layer", chosen[1])
        for words in (one, ("build", str(file), "--panel", f"!{SLOW}", "--channels", "0")):
            result = CliRunner().invoke(main, words)
            if result.exception and not isinstance(result.exception, SystemExit):
                flaws.append(f"traceback {result.exception!r}"[:160])
            elif result.exit_code:
                said = re.sub(r"\s+", " ", result.stderr.partition("Error: ")[2])
                right = TOLD.get(source.partition(":")[2], "never") in said
                (told if right else flaws).append(said[:160])
    facts = model.facts
    told += ["images change each other"] * any(SHARED[:40] == note[:40] for note in facts.notes)
    unplaced = sum(not layer.placed for layer in facts.layers)
    told += [f"{unplaced} layers lie nowhere on the image"] if unplaced else []
    wide = facts.outside / facts.parameters
    told += [f"{wide:.0%} of the parameters are in no layer".replace("%", " %")] * (wide >= 0.005)
    verdict = f"fails: {'; '.join(flaws)}" if flaws else ", ".join(["works", *told])
    seconds = time.perf_counter() - start
    return Verdict(source, len(facts.layers), facts.units, verdict, seconds)


def checked(model: Model) -> list[str]:
    """What is wrong with where maps lie: a change of a few pixels of one image must change no other
    image, and nothing outside of what a position is said to see."""
    rows, columns = model.facts.size
    images = torch.rand(2, 3, rows, columns, generator=torch.Generator().manual_seed(0))
    top, left, side = rows // 3, columns // 2, max(4, rows // 28)
    other = images.clone()
    patch = slice(top, top + side), slice(left, left + side)
    other[1, :, *patch] = 1 - other[1, :, *patch]
    before, after = _values(model, images), _values(model, other)
    told = any(note[:40] == SHARED[:40] for note in model.facts.notes)
    flaws = []
    for layer in model.facts.layers:
        change = (after[layer.name] - before[layer.name]).abs().sum(1)
        most = float(change[1].max())
        if not np.isfinite(most) or change.shape[1:] != (layer.height, layer.width):
            flaws.append(f"{layer.name}: values {tuple(change.shape)}, {most}")
        elif float(change[0].max()) > 1e-4 * max(1.0, most):
            flaws += [] if told else [f"{layer.name}: one image changes another"]
        elif layer.field is not None and not layer.gated:
            for row, column in (change[1] > 1e-4 * most).nonzero().tolist():
                box = layer.box(row, column, rows, columns)
                down = box.top < top + side and box.top + box.height > top
                if not (down and box.left < left + side and box.left + box.width > left):
                    flaws.append(f"{layer.name}: more than its field at {row}, {column}")
                    break
    return flaws[:3]


def _values(model: Model, images: Tensor) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}

    def keep(name: str, values: Tensor) -> None:
        found[name] = values.clone()

    torch.manual_seed(0)  # for those that draw random numbers
    visitors = {
        traced.observed: (lambda values, name=name: keep(name, values))
        for name, traced in model.traced.items()
    }
    with torch.no_grad():
        visit(model.module, model.normalise(images), visitors)
    return found


def table(verdicts: list[Verdict]) -> str:
    """The table as Markdown."""
    fine = sum(not one.verdict.startswith("fails") for one in verdicts)
    lines = [
        "# Networks",
        "",
        f"{fine} of {len(verdicts)} networks work or are refused with the reason. With random "
        "weights each was read, its maps were checked (a changed patch of one image changes no "
        "other image, and nothing outside of what a position is said to see), and a tiny atlas of "
        f"{LAYERS} of its layers was built, with a feature visualization of one "
        "step. `make matrix-networks` writes this page.",
        "",
        "| network | layers | channels | verdict | seconds |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.source} | {one.layers or ''} | {one.channels or ''} | "
        f"{one.verdict.replace('|', '/')} | {one.seconds:.0f} |"
        for one in verdicts
    ]
    return "\n".join(lines) + "\n"


def run(file: Path) -> None:
    """Judge all networks and write the table, line by line."""
    verdicts = []
    for source in sources():
        verdicts.append(judged(source))
        one = verdicts[-1]
        print(f"{one.source}: {one.layers} layers, {one.verdict}, {one.seconds:.0f} s", flush=True)
        file.write_text(table(verdicts), encoding="utf-8")
    sys.exit(any(one.verdict.startswith("fails") for one in verdicts))


if __name__ == "__main__":
    torch.set_num_threads(2)
    run(Path(sys.argv[1]))
