// Remembers the memory that was noted last: a gradient is used right after it was made.
#include "padding.h"

#include <mutex>
#include <optional>

#include <ATen/ops/empty.h>
#include <c10/core/StorageImpl.h>
#include <c10/util/intrusive_ptr.h>

namespace fusedops {
namespace {

std::mutex noted_mutex;
std::optional<c10::weak_intrusive_ptr<c10::StorageImpl>> noted;  // weak: an address alone may come again

bool is_noted(const at::Tensor& rows) {
  const std::lock_guard lock(noted_mutex);
  return noted && noted->lock().get() == rows.storage().unsafeGetStorageImpl();
}

}  // namespace

void note_zero_padded(const at::Tensor& rows) {
  const std::lock_guard lock(noted_mutex);
  noted.emplace(rows.storage().getWeakStorageImpl());
}

at::Tensor zero_padded(const at::Tensor& rows) {
  const int64_t num_rows = rows.size(0), width = rows.size(1), whole = padded(width);
  if (rows.stride(1) == 1 && rows.stride(0) == whole && rows.storage_offset() == 0 && is_noted(rows)) return rows.as_strided({num_rows, whole}, {whole, 1});
  const at::Tensor out = at::empty({num_rows, whole}, rows.options());
  out.narrow(1, 0, width).copy_(rows);
  out.narrow(1, width, whole - width).zero_();
  return out;
}

}  // namespace fusedops
