// The keys of the table [parquet], the same in a build with Arrow and in one without.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <trainhost/plugin.hpp>

#include "images/options.h"
#include "remote/options.h"

namespace trainhost::parquet_source {

struct Config : images::ImageOptions, remote::RemoteOptions {
  std::vector<std::string> files, columns;
  std::string split = "train";
  double heldout_fraction = 0;
  std::uint64_t cache_mib = 1024;
};

constexpr auto kSchema = remote::with_remote_keys(images::with_image_keys(
    schema<Config>()
        .key("files", &Config::files, "Parquet files, seen from the current folder, or s3:// URIs: names and patterns, * ? ** {a,b} {00..99}", list_or_one, no_trajectory)
        .key("columns", &Config::columns, "one text a field: COLUMN or several, then options: \"input_ids as=tokens length=1024\", \"image.bytes as=image decode=image\"", list_or_one)
        .key("split", &Config::split, "train, heldout (chosen by a hash of file name and row) or all", one_of("train", "heldout", "all"))
        .key("heldout_fraction", &Config::heldout_fraction, "share of the rows that is held out", at_least(0), at_most(1))
        .key("cache_mib", &Config::cache_mib, "memory for decoded row groups; each thread that decodes holds one more", at_least(1), at_most(1 << 20), no_trajectory)
        .required("files", "columns")));

}  // namespace trainhost::parquet_source
