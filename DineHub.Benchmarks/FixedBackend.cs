using System.Globalization;

namespace DineHub.Benchmarks;

/// <summary>A backend that costs as little as may be: an nginx that answers with a short JSON text and with a menu of 100 kB.</summary>
internal static class FixedBackend
{
    public const string SmallPath = "/api/v1/restaurants/small";
    public const string MenuPath = "/api/v1/restaurants/menu";

    private const int SmallBytes = 300;
    private const int MenuBytes = 100_000;

    /// <summary>Writes the answers below a folder, and the configuration that serves them, by HTTP and by HTTPS.</summary>
    public static string Prepare(string folder, int port, int tlsPort, SelfSigned certificate)
    {
        foreach (var (path, length) in new[] { (SmallPath, SmallBytes), (MenuPath, MenuBytes), ("/health/ready", SmallBytes) })
        {
            var file = Path.Combine(folder, "www" + path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, Json(length));
        }

        return string.Create(CultureInfo.InvariantCulture, $$"""
            worker_processes auto;
            worker_rlimit_nofile 8192;
            events { worker_connections 4096; }
            http {
              access_log off;
              open_file_cache max=10;
              keepalive_requests 1000000;
              client_body_temp_path {{folder}}/body; proxy_temp_path {{folder}}/proxy; fastcgi_temp_path {{folder}}/fastcgi; uwsgi_temp_path {{folder}}/uwsgi; scgi_temp_path {{folder}}/scgi;
              default_type application/json;
              ssl_certificate {{certificate.CertificateFile}};
              ssl_certificate_key {{certificate.KeyFile}};
              server {
                listen 127.0.0.1:{{port}};
                listen 127.0.0.1:{{tlsPort}} ssl;
                root {{folder}}/www;
              }
            }
            """);
    }

    private static string Json(int length)
    {
        const string Start = "{\"text\":\"";
        const string End = "\"}";
        return Start + new string('x', length - Start.Length - End.Length) + End;
    }
}
