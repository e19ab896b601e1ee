// Objects on their way into the bucket: small ones in one request, large ones in parts.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <trainhost/cpp/checkpoint_backend.hpp>

#include "bucket.h"

namespace s3ckpt {

/// The size of every part but the last: at least `smallest`, as wished where it can be, and never more than 10,000 parts.
uint64_t choose_part_bytes(uint64_t size, uint64_t wish, uint64_t smallest);

/// Throws ALREADY_EXISTS. `bucket` is borrowed.
std::unique_ptr<trainhost::CheckpointBackend::Put> begin_upload(Bucket& bucket, std::string key, uint64_t size, uint64_t part_bytes);

/// Aborts uploads of dead processes: those in parts under the prefix that began more than `age_seconds` ago. What fails is logged.
void abort_orphans(Bucket& bucket, const std::string& prefix, int64_t age_seconds);

}  // namespace s3ckpt
