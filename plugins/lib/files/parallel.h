// Work that is cut into pieces, on several threads.
#pragma once
#include <cstddef>
#include <functional>

namespace trainhost {

/// Calls work(0) .. work(count - 1), each once, on up to eight threads, of which this is one. Returns when all are back. When calls throw, the rest is not
/// begun, and the exception of the lowest number is thrown: the message does not depend on which thread was first.
void in_parallel(size_t count, const std::function<void(size_t)>& work);

}  // namespace trainhost
