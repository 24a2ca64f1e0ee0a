"""The smallest object that a token can see: a patch that averages, in pictures and on a photo."""
