// Sorts exceptions by what the host can do about them.
#include "engine/failures.h"

#include <c10/util/Exception.h>

#include <trainhost/cpp/error.hpp>

#include "engine/device.h"

namespace trainhost {
namespace {

// The CPU allocator throws a plain c10::Error; only its words tell.
bool is_cpu_allocator(const std::string& message) { return message.find("DefaultCPUAllocator: can't allocate memory") != std::string::npos; }

[[noreturn]] void throw_out_of_memory(Device& device, std::string_view place, const std::string& message) {
  device.release_cached_memory();
  throw OutOfMemory(format("{}: out of memory: {}; use smaller micro-batches or a smaller model", place, first_line(message)));
}

}  // namespace

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

void rethrow_translated(Device& device, std::string_view place) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const PluginError& error) {
    throw Error(error.status == TRAINHOST_INVALID_ARGUMENT ? ExitCode::kConfig : ExitCode::kPlugin, format("{}: {}", place, error.what()));
  } catch (const c10::OutOfMemoryError& error) {
    throw_out_of_memory(device, place, error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw_out_of_memory(device, place, "the host's memory is used up");
  } catch (const c10::Error& error) {
    if (is_cpu_allocator(error.what_without_backtrace())) throw_out_of_memory(device, place, error.what_without_backtrace());
    throw Error(ExitCode::kPlugin, format("{}: {}", place, error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw Error(ExitCode::kPlugin, format("{}: {}", place, error.what()));
  }
}

}  // namespace trainhost
