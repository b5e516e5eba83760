// Taps along rows and along the last axis, few enough that the loops over them are unrolled.
override TAPS: i32 = 2;
