// One checkpoint being read, piece by piece, every byte checked.
#pragma once
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "checkpoint/buffer.h"
#include "checkpoint/folders.h"
#include "checkpoint/store.h"

namespace trainhost {

/// The checkpoint cannot be used, and why.
class DamagedCheckpoint : public std::runtime_error {
 public:
  explicit DamagedCheckpoint(CheckpointDamage damage);
  const CheckpointDamage& damage() const { return damage_; }

 private:
  CheckpointDamage damage_;
};

/// The checkpoint is whole, and of a format that this program does not know: nobody may take an older one in its place without a word.
class NewerCheckpoint : public Error {
 public:
  explicit NewerCheckpoint(const std::string& message) : Error(ExitCode::kCheckpointUnreadable, message) {}
};

/// Every function throws DamagedCheckpoint for what is missing or wrong, naming the region; NewerCheckpoint; PluginCallError when the place cannot be read
/// at all, which says nothing about the checkpoint. `objects` and `folder` are borrowed.
class CheckpointReader {
 public:
  CheckpointReader(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, unsigned num_threads);

  CommitRecord commit();
  /// Whether a mark that is there is right and of this checkpoint.
  void mark(std::string_view name);
  /// Held against the commit record.
  Manifest manifest(const CommitRecord& commit);
  /// All bytes of one object; `out` is of its size.
  Buffer object(const Manifest& manifest, std::string_view name);
  void object(const Manifest& manifest, std::string_view name, std::span<std::byte> out);
  /// The tensors of a safetensors object; its bytes go to `buffers`.
  std::vector<TensorView> tensors(const Manifest& manifest, std::string_view name, std::vector<Buffer>& buffers);
  std::vector<TensorView> tensors(const Manifest& manifest, std::string_view name, std::span<std::byte> out);
  /// The same without data: only the header is read.
  std::vector<TensorView> header(const Manifest& manifest, std::string_view name);

  void require_finite(std::string_view name, std::span<const TensorView> tensors);
  [[noreturn]] void fail(const std::string& region, std::string_view object, const std::string& reason);

 private:
  template <class Read>
  std::invoke_result_t<Read> in(const std::string& region, std::string_view name, const Read& read);
  void check_size(std::string_view name, uint64_t wanted);

  ObjectStore& objects_;
  const CheckpointFolder& folder_;
  std::string place_;
  unsigned num_threads_;
};

/// Why a mark that is there does not count; empty when it does. Throws PluginCallError.
std::string mark_problem(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, std::string_view name);

/// Reads everything back: checksums, headers, finite weights and slots, marks. Throws as CheckpointReader does.
void verify_folder(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, unsigned num_threads);

}  // namespace trainhost
