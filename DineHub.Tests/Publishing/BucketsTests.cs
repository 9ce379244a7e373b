using DineHub.AppHost.Publishing;
using DineHub.Database.Backups;
using DineHub.Topology;
using DineHub.Topology.Configuration;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Publishing;

public sealed class BucketsTests
{
    private static readonly ClusterTopology Reference = TopologyConfiguration.Load(ReferenceTopology.File, []);

    [Fact]
    public void Buckets_are_named_after_the_domain_and_stand_in_the_first_region() => Buckets.Of(Reference)
        .ShouldBe(new Buckets(new Bucket("dinehub-example-backups", "eu-west-1"), new Bucket("dinehub-example-images", "eu-west-1")));

    [Theory]
    [InlineData("a-name-that-is-as-long-as-it-may-be-with-sixty-three-letters-ok.example")]
    [InlineData("xn--caf-dma.example")]
    public void A_domain_that_a_bucket_can_not_be_named_after_gives_another_name_and_always_the_same(string domain)
    {
        var name = Buckets.Of(Reference with { Domain = domain }).Backups.Name;
        name.ShouldMatch(@"\Adinehub-[0-9a-f]{16}-backups\z");
        name.ShouldBe(Buckets.Of(Reference with { Domain = domain }).Backups.Name);
        name.ShouldNotBe(Buckets.Of(Reference with { Domain = "x" + domain + "x" }).Backups.Name);
    }

    [Fact]
    public void Database_machines_may_use_the_folder_that_backups_go_to_unless_told_otherwise()
    {
        var options = BackupOptions.Read(new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Database:Backups:S3:Bucket"] = "bucket",
                ["Database:Backups:S3:Region"] = "eu-west-1",
                ["Database:Backups:S3:Endpoint"] = "s3.eu-west-1.amazonaws.com",
                ["Database:Backups:Passphrase"] = new string('x', 32),
                ["Database:Servers:0:Name"] = "db-worker-1",
                ["Database:Servers:0:DataDirectory"] = "/data",
            })
            .Build());
        options.Repository.ShouldBeOfType<S3Repository>().Prefix.ShouldBe("/" + Buckets.DatabaseFolder);
    }
}
