// The first source that says something wins.
#include "s3/settings.h"

#include <initializer_list>

#include <trainhost/cpp/error.hpp>

namespace trainhost::s3 {


namespace {

struct Setting {
  std::string value, where;
};

Setting first_of(std::initializer_list<Setting> candidates) {
  for (const Setting& candidate : candidates)
    if (!candidate.value.empty()) return candidate;
  return {};
}

}  // namespace

Location locate(Place place, const StoreSettings& settings, const Wording& wording, const Environment& environment) {
  const Profile profile = read_profile(environment);
  const auto of_profile = [&](const char* name) { return profile.contains(name) ? profile.at(name) : std::string(); };
  const auto of_environment = [&](const char* name) { return Setting{environment(name), name}; };
  const Setting endpoint = first_of({{settings.endpoint, wording.endpoint},
                                     of_environment("AWS_ENDPOINT_URL_S3"),
                                     of_environment("AWS_ENDPOINT_URL"),
                                     {of_profile("endpoint_url"), "endpoint_url of the AWS profile"}});
  Setting region = first_of(
      {{settings.region, wording.region}, of_environment("AWS_REGION"), of_environment("AWS_DEFAULT_REGION"), {of_profile("region"), "region of the AWS profile"}});
  if (region.value.empty() && endpoint.value.empty())
    throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                      format("s3://{}: neither a region nor an endpoint is set; give {} or AWS_REGION for AWS, {} or AWS_ENDPOINT_URL for another store", place.bucket,
                             wording.region, wording.endpoint));
  if (region.value.empty()) region.value = "us-east-1";  // what stores that have no regions expect
  if (region.value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != std::string::npos)
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: wanted a name like eu-central-1, got \"{}\"", region.where, region.value));
  if (!endpoint.value.empty()) return Location(place, Endpoint::parse(endpoint.value, endpoint.where), region.value, settings.path_style.value_or(true));
  const std::string_view domain = region.value.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const bool has_dots = place.bucket.find('.') != std::string::npos;  // no certificate fits bucket.with.dots.s3...
  return Location(place, Endpoint::parse(format("https://s3.{}.{}", region.value, domain), "region"), region.value, settings.path_style.value_or(has_dots));
}

}  // namespace trainhost::s3
