//! Preparation
