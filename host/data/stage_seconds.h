// Time by the stages of a batch's way from a source to the device.
#pragma once

namespace trainhost {

/// read: fetching bytes, and all that the source does not say more of (trainhost/data_stages.h); copy: handing the batch to the device.
struct StageSeconds {
  double read = 0, decode = 0, transform = 0, copy = 0;

  double sum() const { return read + decode + transform + copy; }
  StageSeconds& operator+=(const StageSeconds& other) {
    read += other.read, decode += other.decode, transform += other.transform, copy += other.copy;
    return *this;
  }
  friend StageSeconds operator-(const StageSeconds& a, const StageSeconds& b) { return {a.read - b.read, a.decode - b.decode, a.transform - b.transform, a.copy - b.copy}; }
  friend StageSeconds operator*(const StageSeconds& a, double factor) { return {a.read * factor, a.decode * factor, a.transform * factor, a.copy * factor}; }

  /// The stage that takes most: "read", "decode", "transform" or "copy"; "" where all are 0.
  const char* largest() const {
    const char* name = "";
    double most = 0;
    const auto look = [&](double seconds, const char* stage) {
      if (seconds > most) most = seconds, name = stage;
    };
    look(read, "read"), look(decode, "decode"), look(transform, "transform"), look(copy, "copy");
    return name;
  }
};

}  // namespace trainhost
