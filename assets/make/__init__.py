"""Makes what lies in assets: rendered pictures, the demo CLIP that learns from them, the sample projects."""
