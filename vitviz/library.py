"""What ``vitviz.NAME`` gives. This file brings torch and timm, as soon as the first name is asked for."""

from vitviz import errors
from vitviz.analysis.attention_field import AttentionField, attention_field
from vitviz.analysis.convnet import ConvNet, load_convnet
from vitviz.analysis.drop_curve import DropCurve, drop_curve
from vitviz.analysis.faithfulness import Faithfulness, deletion_insertion, perturbation_test
from vitviz.analysis.faithfulness_checks import Randomisation, energy_in_box, model_randomisation, pointing_game
from vitviz.analysis.familiarity import Familiarity, familiarity
from vitviz.analysis.input_sizes import input_sizes
from vitviz.analysis.interpolation import interpolated_similarity
from vitviz.analysis.lens import class_evidence, logit_lens
from vitviz.analysis.patch_changes import change_patches
from vitviz.analysis.patch_size import patch_sizes, with_patch_size
from vitviz.analysis.positions import PositionSimilarity, position_components, position_read_out, position_similarity
from vitviz.analysis.receptive_field import ReceptiveField, receptive_field
from vitviz.analysis.shuffling import shuffle_experiment
from vitviz.analysis.similarity import layer_similarity, linear_cka
from vitviz.analysis.spectrum import token_spectrum
from vitviz.analysis.theoretical_field import TheoreticalField, theoretical_field, theoretical_fields
from vitviz.analysis.tokens import outlier_table, token_colours, token_norms, token_similarity
from vitviz.atlas import Atlas, atlas, head_kinds, read_atlas
from vitviz.attention.rollout import rollout, rollout_row, rollouts
from vitviz.attention.statistics import HeadStatistics, head_statistics
from vitviz.attribution import METHODS, Attribution, Knob, Method, attribute, patch_likeness
from vitviz.capture.edit import Edit
from vitviz.errors import VitvizError
from vitviz.grid import PatchGrid
from vitviz.images import Photo, open_image, open_photo
from vitviz.models.loading import load_vit
from vitviz.models.vit import ViT
from vitviz.notebook import show, side_by_side
from vitviz.trace import Target, Trace, predict, trace
from vitviz.trace.target import Contrast, Likeness, contrast

__all__ = [
    "Atlas",
    "AttentionField",
    "Attribution",
    "Contrast",
    "ConvNet",
    "DropCurve",
    "Edit",
    "Faithfulness",
    "Familiarity",
    "HeadStatistics",
    "Knob",
    "Likeness",
    "METHODS",
    "Method",
    "PatchGrid",
    "Photo",
    "PositionSimilarity",
    "Randomisation",
    "ReceptiveField",
    "Target",
    "TheoreticalField",
    "Trace",
    "ViT",
    "VitvizError",
    "atlas",
    "attention_field",
    "attribute",
    "change_patches",
    "class_evidence",
    "contrast",
    "deletion_insertion",
    "drop_curve",
    "energy_in_box",
    "errors",
    "familiarity",
    "head_kinds",
    "head_statistics",
    "input_sizes",
    "interpolated_similarity",
    "layer_similarity",
    "linear_cka",
    "load_convnet",
    "load_vit",
    "logit_lens",
    "model_randomisation",
    "open_image",
    "open_photo",
    "outlier_table",
    "patch_likeness",
    "patch_sizes",
    "perturbation_test",
    "pointing_game",
    "position_components",
    "position_read_out",
    "position_similarity",
    "predict",
    "read_atlas",
    "receptive_field",
    "rollout",
    "rollout_row",
    "rollouts",
    "show",
    "shuffle_experiment",
    "side_by_side",
    "theoretical_field",
    "theoretical_fields",
    "token_colours",
    "token_norms",
    "token_similarity",
    "token_spectrum",
    "trace",
    "with_patch_size",
]
