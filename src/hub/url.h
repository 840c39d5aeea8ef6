// Addresses, as far as following redirects needs them.
#ifndef ATTEND_HUB_URL_H_
#define ATTEND_HUB_URL_H_

#include <optional>
#include <string>
#include <string_view>

namespace attend {

/// Where `location`, absolute or relative, leads from the page `base`. Nothing when it is no http or https
/// address, or leads from https to http.
std::optional<std::string> follow(const std::string& base, const std::string& location);

/// Whether two addresses have the same scheme, host and port: a secret told to one is known to the other.
bool same_origin(const std::string& a, const std::string& b);

/// `address` without the name and the password that stand before its host.
std::string without_credentials(std::string address);

/// `text` as one segment of a path: '/' and all that is not a letter, digit or "-_.~" as %XX.
std::string url_segment(std::string_view text);

}  // namespace attend

#endif  // ATTEND_HUB_URL_H_
