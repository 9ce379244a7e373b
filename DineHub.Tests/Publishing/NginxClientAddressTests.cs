using System.Diagnostics;
using DineHub.AppHost.Publishing.Nginx;
using DineHub.Tests.Ingress;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Publishing;

/// <summary>Whom requests count against, by packets that really come from those addresses: in a network namespace, which ends with its processes.</summary>
public sealed class NginxClientAddressTests
{
    private const string Served = "2001:db8:ffff::1";

    private static readonly string[] Addresses = [Served, "2001:db8:1:1::1", "2001:db8:1:1::2", "2001:db8:1:1:ffff:ffff:ffff:ffff", "2001:db8:1:2::1", "2001:db8:2:1::1"];

    [NetworkNamespaceFact]
    public async Task An_IPv6_client_is_the_first_64_bits_of_an_address_and_an_IPv4_client_all_of_it()
    {
        (await AnswersAsync(
            "2001:db8:1:1::1",
            "2001:db8:1:1::2",
            "2001:db8:1:1:ffff:ffff:ffff:ffff",
            "2001:db8:1:1::2",
            "2001:db8:1:2::1",
            "2001:db8:2:1::1",
            "127.0.0.1",
            "127.0.0.1",
            "127.0.0.1",
            "127.0.0.2")).ShouldBe(
        [
            "2001:db8:1:1::1 404",
            "2001:db8:1:1::2 404",
            "2001:db8:1:1:ffff:ffff:ffff:ffff 429",
            "2001:db8:1:1::2 429",
            "2001:db8:1:2::1 404",
            "2001:db8:2:1::1 404",
            "127.0.0.1 404",
            "127.0.0.1 404",
            "127.0.0.1 429",
            "127.0.0.2 404",
        ]);
    }

    /// <summary>Lets each address ask once, in turn, where a client may ask twice.</summary>
    private static async Task<string[]> AnswersAsync(params string[] clients)
    {
        using var directory = new TemporaryDirectory();
        using var certificate = TestCertificate.Create(directory.Path);
        var policy = new IngressPolicy { ClientLimit = new RateLimit(PerMinute: 1, Burst: 2) };
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "nginx.conf"), NginxConfiguration.Write(policy, new NginxSettings
        {
            Region = "eu",
            Backends = [new NginxBackend("backend-eu-1", "eu", "127.0.0.1", 8080)],
            CertificateFile = certificate.CertificateFile,
            CertificateKeyFile = certificate.KeyFile,
            MaintenanceFile = Path.Combine(directory.Path, "maintenance"),
            TemporaryFolder = directory.Path,
            Version = await NginxProcess.InstalledVersionAsync(),
        }));

        // What the shell is told comes as arguments: addresses of the namespace, a blank, clients, a blank, nginx.
        const string Script = """
            set -eu
            served=$1
            ip link set lo up
            while [ -n "$1" ]; do ip addr add "$1/128" dev lo nodad; shift; done
            shift
            clients=
            while [ -n "$1" ]; do clients="$clients $1"; shift; done
            shift
            "$@" &
            nginx=$!
            trap 'kill $nginx; wait $nginx' EXIT
            curl --silent --max-time 20 --insecure --output /dev/null --retry 100 --retry-delay 1 --retry-connrefused --noproxy '*' http://127.0.0.1:9114/health
            for client in $clients; do
                case $client in *:*) host="[$served]" ;; *) host=127.0.0.1 ;; esac
                curl --silent --max-time 20 --insecure --noproxy '*' --output /dev/null --interface "$client" --write-out "$client %{http_code}\n" "https://$host/x"
            done
            """;
        var (exitCode, output, errors) = await Programs.RunAsync(new ProcessStartInfo(
            "unshare", ["--net", "--fork", "--kill-child", "sh", "-c", Script, "sh", .. Addresses, "", .. clients, "", .. NginxProcess.Command(directory.Path)]));
        exitCode.ShouldBe(0, errors);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
