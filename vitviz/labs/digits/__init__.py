"""Small networks that learn handwritten digits: how many pictures they need, and what a teacher gives them."""
