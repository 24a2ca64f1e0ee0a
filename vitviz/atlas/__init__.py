"""The atlas: what a model's heads and layers do over a whole data set, from one photo to millions.

A source is listed once; the list is cut into shards; each shard becomes one small state, whoever measures it; the
states are merged in order. No map is kept, memory does not grow with the photos, and work that was killed goes on.

layout.py            what is measured, and where each number stands in a photo's row
block.py, measures.py   one pass of a batch; extras.py   what costs more passes
moments.py, state.py, state_file.py   what is kept of many photos, merged, and in a file
entry.py, sources.py, tar_shards.py, arrow_door.py, photo_table.py, photo_reader.py   photos, wherever they lie
photo_list.py, folder.py   the result's folder
job.py, worker.py, shard.py   one shard; processes.py, ray_door.py   who measures shards
run.py               all of it; result.py   what is read in the end
head_kinds.py, summary_table.py, heatmaps.py   what is made of a result
"""

from vitviz.atlas.head_kinds import KINDS, HeadKind, head_kinds
from vitviz.atlas.layout import Layout, Statistic
from vitviz.atlas.result import Atlas, Difference, Histogram, PhotoValue, Summary, read_atlas
from vitviz.atlas.run import atlas

__all__ = [
    "KINDS",
    "Atlas",
    "Difference",
    "HeadKind",
    "Histogram",
    "Layout",
    "PhotoValue",
    "Statistic",
    "Summary",
    "atlas",
    "head_kinds",
    "read_atlas",
]
