using System.Diagnostics;
using System.Globalization;
using DineHub.AppHost.Publishing;
using DineHub.Topology;
using DineHub.Topology.Configuration;
using Microsoft.Extensions.Configuration;
using Spectre.Console;

namespace DineHub.Benchmarks;

/// <summary>How publishing grows: ever more nodes in ten regions, to a folder that is not there and again to one that is.</summary>
internal static class PublishBenchmark
{
    private const int Regions = 10;

    // Ingresses, backends and workers of each region; a worker has a standby.
    private static readonly (int Ingresses, int Backends, int Workers)[] Sizes = [(2, 18, 2), (4, 37, 4), (8, 76, 8), (16, 99, 40)];

    public static void Run(int rounds)
    {
        var cases = Sizes.Select(size => (Topology: Topology(size), Fresh: new List<double>(), Again: new List<double>())).ToList();
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var (topology, fresh, again) in cases)
            {
                var folder = Path.Combine(Path.GetTempPath(), $"dinehub-benchmark-{Environment.ProcessId}");
                try
                {
                    var (first, second) = (Publish(topology, folder), Publish(topology, folder));

                    // The first round compiles.
                    if (round > 0)
                    {
                        fresh.Add(first);
                        again.Add(second);
                    }
                }
                finally
                {
                    Directory.Delete(folder, recursive: true);
                }
            }
        }

        var table = new Table().AddColumns("Nodes", "Files", "To nothing, ms", "Again, ms", "Nodes, ratio", "To nothing, ratio", "Again, ratio");
        var (nodes, least, leastAgain) = (cases[0].Topology.Nodes.Count, Median(cases[0].Fresh), Median(cases[0].Again));
        foreach (var (topology, fresh, again) in cases)
        {
            table.AddRow(
                Text(topology.Nodes.Count),
                Text(Publisher.Publish(topology, null).Count),
                Text(Median(fresh)),
                Text(Median(again)),
                Ratio(topology.Nodes.Count, nodes),
                Ratio(Median(fresh), least),
                Ratio(Median(again), leastAgain));
        }

        AnsiConsole.Write(table);
    }

    private static double Publish(ClusterTopology topology, string folder)
    {
        var clock = Stopwatch.StartNew();
        var publication = new PublicationFolder(folder);
        publication.Apply(publication.Compare(Publisher.Publish(topology, null)));
        return clock.Elapsed.TotalMilliseconds;
    }

    private static ClusterTopology Topology((int Ingresses, int Backends, int Workers) size)
    {
        var settings = new Dictionary<string, string?> { ["Domain"] = "dinehub.example", ["Database:Shards"] = "1024" };
        for (var region = 0; region < Regions; region++)
        {
            settings[$"Regions:{region}:Name"] = $"region-{region}";
            settings[$"Regions:{region}:Alias"] = $"r{region}";
            settings[$"Regions:{region}:Ingresses"] = Text(size.Ingresses);
            settings[$"Regions:{region}:Backends"] = Text(size.Backends);
        }

        for (var worker = 0; worker < size.Workers * Regions; worker++)
        {
            settings[$"Database:Workers:{worker}:Region"] = $"region-{worker % Regions}";
        }

        return TopologyConfiguration.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Text(double number) => number.ToString("0", CultureInfo.InvariantCulture);

    private static string Ratio(double one, double other) => (one / other).ToString("0.0", CultureInfo.InvariantCulture);
}
