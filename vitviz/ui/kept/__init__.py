"""What is kept between clicks and shared by all readers."""
