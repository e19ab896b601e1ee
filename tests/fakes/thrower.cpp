// Throws, as a C++ plugin without the glue might.
#include <stdexcept>

extern "C" __attribute__((visibility("hidden"))) void zoo_throw(const char* words) { throw std::runtime_error(words); }
