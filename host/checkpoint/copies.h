// What one place of a store holds may be damaged and what another holds whole.
#pragma once
#include <type_traits>

#include "checkpoint/reader.h"

namespace trainhost {

/// One place of a store that has several. For reading only: everything else goes to all of it.
class OnePlace : public ObjectStore {
 public:
  OnePlace(ObjectStore& objects, uint32_t place) : objects_(objects), place_(place) {}
  std::unique_ptr<Put> begin(std::string_view key, uint64_t size, uint64_t wished) override { return objects_.begin(key, size, wished); }
  bool create(std::string_view key, std::string_view bytes) override { return objects_.create(key, bytes); }
  uint64_t get(std::string_view key, uint64_t offset, std::span<std::byte> out) override { return objects_.get_copy(place_, key, offset, out); }
  std::vector<StoredObject> list(std::string_view prefix) override { return objects_.list(prefix); }
  void remove(std::string_view key) override { objects_.remove(key); }

 private:
  ObjectStore& objects_;
  uint32_t place_;
};

/// The folder as any of the places may hold it: listed is the size in one of them only, and reading finds the true ones.
CheckpointFolder of_any_size(CheckpointFolder folder);
/// For the log: why a copy was not the one.
void warn_of_unreadable_copy(const CheckpointFolder& folder, const std::string& why);
void warn_of_other_copy(const DamagedCheckpoint& damage);

/// read(objects, folder), which throws as CheckpointReader does. What it finds damaged is read once more from each place alone; the first damage is thrown
/// when none of them is whole.
template <class Read>
std::invoke_result_t<Read, ObjectStore&, const CheckpointFolder&> read_any_copy(ObjectStore& objects, const CheckpointFolder& folder, const Read& read) {
  try {
    return read(objects, folder);
  } catch (const DamagedCheckpoint& damage) {
    const CheckpointFolder anywhere = of_any_size(folder);
    for (uint32_t place = 0; objects.num_places() > 1 && place < objects.num_places(); ++place) {
      try {
        OnePlace one(objects, place);
        auto result = read(one, anywhere);
        warn_of_other_copy(damage);
        return result;
      } catch (const DamagedCheckpoint&) {  // nor there
      } catch (const PluginCallError& error) {
        warn_of_unreadable_copy(folder, error.what());
      }
    }
    throw;
  }
}

}  // namespace trainhost
