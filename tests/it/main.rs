//! Laws, plans and answers of the whole engine.

mod frames;
