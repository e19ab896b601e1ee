// Lays tensors out in the arena and lets the device fill it.
#include "engine/state_copy.h"

#include <utility>

#include <ATen/ops/clone.h>

#include "base/error.h"
#include "engine/torch_types.h"

namespace trainhost {
namespace {

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

class TorchStateCopy final : public StateCopy {
 public:
  TorchStateCopy(std::shared_ptr<std::byte> arena, EngineState state, std::shared_ptr<Transfer> transfer)
      : arena_(std::move(arena)), state_(std::move(state)), transfer_(std::move(transfer)) {}

  void wait() override { transfer_->wait(); }
  const EngineState& state() const override { return state_; }
  double seconds() const override { return transfer_->seconds(); }

 private:
  std::shared_ptr<std::byte> arena_;
  EngineState state_;
  std::shared_ptr<Transfer> transfer_;  // first to go: its destructor waits
};

}  // namespace

size_t StateCopier::bytes_of(std::span<const Part> parts) {
  size_t bytes = 0;
  for (const Part& part : parts)
    for (const t2::NamedTensor& item : part.tensors) bytes += aligned(item.tensor.nbytes());
  return bytes;
}

void StateCopier::prepare(size_t bytes) {
  if (arena_.valid() && bytes <= arena_bytes_) return;
  arena_bytes_ = bytes;
  arena_ = std::async(std::launch::async, [&device = device_, bytes] { return device.arena(bytes); }).share();
}

void StateCopier::adopt(std::shared_ptr<std::byte> memory, size_t bytes) {
  arena_bytes_ = bytes;
  arena_ = std::async(std::launch::async, [&device = device_, memory = std::move(memory), bytes]() mutable { return device.as_arena(std::move(memory), bytes); }).share();
}

void StateCopier::wait_for_arena() const {
  if (arena_.valid()) arena_.wait();
}

std::unique_ptr<StateCopy> StateCopier::start(std::span<const Part> parts) {
  if (used_.lock()) throw Error(ExitCode::kFailure, "engine: a copy of the state was begun while the one before is in use");
  prepare(bytes_of(parts));
  // The copy holds the arena through a pointer of its own, so that used_ tells when it is gone.
  const std::shared_ptr<std::byte> arena(arena_.get().get(), [keep = arena_.get()](std::byte*) {});
  used_ = arena;
  EngineState state;
  std::vector<CopyPiece> pieces;
  std::byte* place = arena.get();
  for (const Part& part : parts)
    for (const t2::NamedTensor& item : part.tensors) {
      const at::Tensor source = part.is_changing ? at::clone(item.tensor.detach(), at::MemoryFormat::Contiguous) : item.tensor.detach().contiguous();
      (state.*part.views).push_back({item.name, safetensors_name(source.scalar_type()), source.sizes().vec(), place, source.nbytes()});
      if (source.nbytes() > 0) pieces.push_back({source, place});
      place += aligned(source.nbytes());
    }
  const std::shared_ptr<Transfer> transfer = device_.start_copies(std::move(pieces));
  in_flight_ = transfer;
  return std::make_unique<TorchStateCopy>(arena, std::move(state), transfer);
}

void StateCopier::order_update_after_copy() {
  if (const std::shared_ptr<Transfer> transfer = std::exchange(in_flight_, {}).lock()) transfer->order_after();
}

}  // namespace trainhost
