//! The console in a real browser: what people come to it for, done by mouse, by keyboard alone and without JavaScript;
//! and every page there is, looked at wide and narrow, in light and dark, by axe-core and in a picture.
//!
//! Needs Node.js and Chromium; `tests/run` sets them up, and says at its end where the pictures are.

mod faults;
mod jobs;
mod pages;
mod play;
mod stage;
