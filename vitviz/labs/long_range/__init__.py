"""Long range: two tasks that need evidence from distant places, and three networks that were trained on them."""
