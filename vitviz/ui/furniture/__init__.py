"""What stands on many pages: charts, bars, the viewer, pins, downloads, the frame of a lesson."""
