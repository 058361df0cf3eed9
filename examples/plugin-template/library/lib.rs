//! The loadable library of mean-teacher.

scant_abi::export!(mean_teacher);
