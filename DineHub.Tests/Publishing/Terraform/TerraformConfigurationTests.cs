using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DineHub.AppHost.Publishing;
using DineHub.AppHost.Publishing.Terraform;
using DineHub.Topology;
using DineHub.Topology.Addressing;

namespace DineHub.Tests.Publishing.Terraform;

/// <summary>What the Terraform files of a deployment say.</summary>
public sealed partial class TerraformConfigurationTests
{
    private static readonly ClusterTopology Topology = TerraformTopologies.Reference;
    private static readonly TerraformDocument Reference = new(Topology);
    private static readonly TerraformDocument OneRegion = new(TerraformTopologies.OneRegion);
    private static readonly TerraformDocument ThreeRegions = new(TerraformTopologies.ThreeRegions);

    [Fact]
    public void The_files_lie_in_one_folder_and_say_what_made_them()
    {
        var files = TerraformConfiguration.Write(Topology);
        files.Select(file => file.Path).ShouldBe(
            [
                "generated/terraform/main.tf.json",
                "generated/terraform/region-eu-west-1.tf.json",
                "generated/terraform/region-us-east-1.tf.json",
                "generated/terraform/peering.tf.json",
                "generated/terraform/iam.tf.json",
                "generated/terraform/buckets.tf.json",
                "generated/terraform/dns.tf.json",
                "generated/terraform/outputs.tf.json",
            ]);
        files.ShouldAllBe(file => JsonNode.Parse(file.Content)!["//"]!.GetValue<string>() == Header.Line);
    }

    [Fact]
    public void The_same_topology_gives_the_same_files() => TerraformConfiguration.Write(Topology with { }).ShouldBe(TerraformConfiguration.Write(Topology));

    [Fact]
    public void Security_groups_let_in_exactly_what_the_table_says()
    {
        foreach (var (document, topology) in new[] { (Reference, Topology), (ThreeRegions, TerraformTopologies.ThreeRegions) })
        {
            var expected = topology.Nodes
                .Select(node => (node.Region, node.Role))
                .Distinct()
                .SelectMany(pair => (pair.Role == Role.Ingress ? ["80/tcp", "443/tcp", "41641/udp"] : new[] { "41641/udp" })
                    .Select(port => $"${{aws_security_group.{pair.Region}_{RoleName.Of(pair.Role)}.id}} {port} from 0.0.0.0/0"));
            document.Resources("aws_vpc_security_group_ingress_rule").Values.Select(Rule).ShouldBe(expected, ignoreOrder: true);
            document.Resources("aws_security_group").Values.ShouldAllBe(group => !group.ContainsKey("ingress") && !group.ContainsKey("egress"));
        }

        static string Rule(JsonObject rule)
        {
            rule["from_port"]!.GetValue<int>().ShouldBe(rule["to_port"]!.GetValue<int>());
            return $"{rule["security_group_id"]} {rule["from_port"]}/{rule["ip_protocol"]} from {rule["cidr_ipv4"]}";
        }
    }

    [Fact]
    public void Default_security_groups_are_empty()
    {
        var groups = Reference.Resources("aws_default_security_group");
        groups.Keys.ShouldBe(Topology.Regions.Select(region => region.Name));
        groups.Values.ShouldAllBe(group => !group.ContainsKey("ingress") && !group.ContainsKey("egress"));
    }

    // The characters that EC2 takes; an apostrophe is none.
    [Fact]
    public void Descriptions_of_rules_are_such_as_EC2_takes() => Reference.Resources("aws_vpc_security_group_ingress_rule").Values
        .Concat(Reference.Resources("aws_vpc_security_group_egress_rule").Values)
        .ShouldAllBe(rule => DescriptionPattern().IsMatch(rule["description"]!.GetValue<string>()));

    [Fact]
    public void Every_machine_is_of_its_type_in_its_region_with_its_group_and_role()
    {
        var machines = Reference.Resources("aws_instance");
        machines.Keys.ShouldBe(Topology.Nodes.Select(node => node.Name), ignoreOrder: true);
        foreach (var node in Topology.Nodes)
        {
            var machine = machines[node.Name];
            var role = RoleName.Of(node.Role);
            machine["provider"]!.GetValue<string>().ShouldBe("aws." + node.Region);
            machine["instance_type"]!.GetValue<string>().ShouldBe(node.InstanceType);
            machine["ami"]!.GetValue<string>().ShouldBe($"${{data.aws_ami.{node.Region}_x86_64.id}}");
            TerraformDocument.Texts(machine["vpc_security_group_ids"]).ShouldBe($"'${{aws_security_group.{node.Region}_{role}.id}}'");
            machine["iam_instance_profile"]!.GetValue<string>().ShouldBe($"${{aws_iam_instance_profile.{role}.name}}");
            machine["tags"]!.ToJsonString().ShouldBe($$"""{"Name":"{{node.Name}}","Role":"{{role}}"}""");
            machine["disable_api_termination"]!.GetValue<bool>().ShouldBe(node.Role is Role.Headscale or Role.Coordinator or Role.Worker or Role.Standby);
            machine.ContainsKey("user_data").ShouldBeFalse();
        }
    }

    [Fact]
    public void Machines_with_Graviton_processors_boot_its_image()
    {
        var machines = ThreeRegions.Resources("aws_instance");
        machines["backend-au-1"]["ami"]!.GetValue<string>().ShouldBe("${data.aws_ami.ap-southeast-2_arm64.id}");
        machines["headscale"]["ami"]!.GetValue<string>().ShouldBe("${data.aws_ami.ap-southeast-2_arm64.id}");
        machines["ingress-au-1"]["ami"]!.GetValue<string>().ShouldBe("${data.aws_ami.ap-southeast-2_x86_64.id}");
        ThreeRegions.Data("aws_ami")["ap-southeast-2_arm64"]["filter"]!.ToJsonString().ShouldContain("""{"name":"architecture","values":["arm64"]}""");
    }

    [Fact]
    public void Only_ingresses_have_public_addresses()
    {
        Topology.Nodes.ShouldContain(node => node.Role != Role.Ingress);
        foreach (var (name, machine) in Reference.Resources("aws_instance"))
        {
            var isIngress = Topology.OfRole(Role.Ingress).Any(ingress => ingress.Name == name);
            machine["subnet_id"]!.GetValue<string>().Contains("_public_", StringComparison.Ordinal).ShouldBe(isIngress, name);
            (machine["associate_public_ip_address"]?.GetValue<bool>() == false).ShouldBe(!isIngress, name);
        }

        Reference.Resources("aws_subnet").Values.ShouldAllBe(subnet => !subnet["map_public_ip_on_launch"]!.GetValue<bool>());
        Reference.Resources("aws_eip_association").Values.Select(association => association["instance_id"]!.GetValue<string>())
            .ShouldBe(Topology.OfRole(Role.Ingress).Select(ingress => $"${{aws_instance.{ingress.Name}.id}}"));
        Reference.Resources("aws_eip").Keys
            .ShouldBe(Topology.OfRole(Role.Ingress).Select(ingress => ingress.Name).Concat(Topology.Regions.Select(region => "nat_" + region.Name)), ignoreOrder: true);
    }

    [Fact]
    public void Metadata_is_given_to_the_machine_itself_only_and_for_a_token() =>
        Reference.Resources("aws_instance").Values.Select(machine => machine["metadata_options"]!.ToJsonString()).Distinct().ShouldHaveSingleItem()
            .ShouldBe("""{"http_endpoint":"enabled","http_tokens":"required","http_put_response_hop_limit":1,"instance_metadata_tags":"enabled"}""");

    [Fact]
    public void All_disks_are_encrypted_and_data_is_not_lost_with_its_machine()
    {
        Reference.Resources("aws_instance").Values.Select(machine => machine["root_block_device"]!.ToJsonString()).Distinct().ShouldHaveSingleItem()
            .ShouldBe("""{"volume_type":"gp3","volume_size":30,"encrypted":true,"delete_on_termination":true}""");
        var volumes = Reference.Resources("aws_ebs_volume");
        volumes.Keys.ShouldBe(
            Topology.Nodes.Where(node => node.Role is Role.Coordinator or Role.Worker or Role.Standby or Role.Headscale).Select(node => node.Name), ignoreOrder: true);
        volumes.Values.ShouldAllBe(volume => volume["encrypted"]!.GetValue<bool>());
        volumes.Values.ShouldAllBe(volume => volume["final_snapshot"]!.GetValue<bool>());
        volumes.Values.ShouldAllBe(resource => IsKept(resource));
        volumes["db-worker-2"]["size"]!.GetValue<int>().ShouldBe(50);
        volumes["headscale"]["size"]!.GetValue<int>().ShouldBe(10);
        foreach (var (name, attachment) in Reference.Resources("aws_volume_attachment"))
        {
            attachment["volume_id"]!.GetValue<string>().ShouldBe($"${{aws_ebs_volume.{name}.id}}");
            attachment["instance_id"]!.GetValue<string>().ShouldBe($"${{aws_instance.{name}.id}}");
            volumes[name]["availability_zone"]!.GetValue<string>()
                .ShouldBe(Reference.Resources("aws_instance")[name]["subnet_id"]!.GetValue<string>().Replace(".id}", ".availability_zone}", StringComparison.Ordinal));
        }

        Reference.Resources("aws_volume_attachment").Keys.ShouldBe(volumes.Keys);
    }

    [Fact]
    public void Every_data_volume_is_copied_daily()
    {
        var policies = Reference.Resources("aws_dlm_lifecycle_policy");
        policies.Keys.ShouldBe(Topology.Regions.Select(region => region.Name));
        foreach (var details in policies.Values.Select(policy => policy["policy_details"]!))
        {
            var (tag, value) = details["target_tags"]!.AsObject().Single();
            Reference.Resources("aws_ebs_volume").Values.ShouldAllBe(volume => volume["tags"]![tag]!.GetValue<string>() == value!.GetValue<string>());
            details["schedule"]!["retain_rule"]!["count"]!.GetValue<int>().ShouldBe(7);
        }
    }

    [Fact]
    public void Subnets_are_cut_as_the_topology_says_and_stand_in_two_zones() =>
        Reference.Resources("aws_subnet")
            .Where(pair => pair.Key.StartsWith("eu-west-1", StringComparison.Ordinal))
            .Select(pair => $"{pair.Key} {pair.Value["cidr_block"]} {pair.Value["availability_zone"]}")
            .ShouldBe(
                [
                    "eu-west-1_public_1 10.10.0.0/18 ${data.aws_availability_zones.eu-west-1.names[0]}",
                    "eu-west-1_public_2 10.10.64.0/18 ${data.aws_availability_zones.eu-west-1.names[1]}",
                    "eu-west-1_private_1 10.10.128.0/18 ${data.aws_availability_zones.eu-west-1.names[0]}",
                    "eu-west-1_private_2 10.10.192.0/18 ${data.aws_availability_zones.eu-west-1.names[1]}",
                ]);

    [Fact]
    public void Machines_of_a_role_are_spread_over_the_zones_and_a_standby_is_not_where_its_primary_is()
    {
        var subnets = new TerraformDocument(TerraformTopologies.Large(1, 4)).Resources("aws_instance")
            .ToDictionary(pair => pair.Key, pair => pair.Value["subnet_id"]!.GetValue<string>()["${aws_subnet.".Length..^".id}".Length]);
        subnets["backend-eu-1"].ShouldBe("eu-west-1_private_1");
        subnets["backend-eu-2"].ShouldBe("eu-west-1_private_2");
        subnets["backend-eu-3"].ShouldBe("eu-west-1_private_1");
        subnets["db-coordinator"].ShouldBe("eu-west-1_private_1");
        subnets["db-coordinator-standby"].ShouldBe("eu-west-1_private_2");
        subnets["db-worker-1"].ShouldBe("eu-west-1_private_1");
        subnets["db-worker-1-standby"].ShouldBe("eu-west-1_private_2");
    }

    [Fact]
    public void Headscale_has_the_address_that_ingresses_dial_and_no_other_machine_gets_it()
    {
        foreach (var (document, topology) in new[] { (Reference, Topology), (ThreeRegions, TerraformTopologies.ThreeRegions) })
        {
            var region = topology.RegionOf(topology.OfRole(Role.Headscale).Single());
            var machines = document.Resources("aws_instance");
            var address = RegionNetwork.Of(region).HeadscaleAddress.ToString();
            machines["headscale"]["private_ip"]!.GetValue<string>().ShouldBe(address);
            machines.ShouldAllBe(pair => pair.Key == "headscale" || !pair.Value.ContainsKey("private_ip"));
            var reservation = document.Resources("aws_ec2_subnet_cidr_reservation")["headscale"];
            reservation["cidr_block"]!.GetValue<string>().ShouldBe(address + "/32");
            reservation["subnet_id"]!.GetValue<string>().ShouldBe(machines["headscale"]["subnet_id"]!.GetValue<string>());
            machines.Values
                .Where(machine => machine["subnet_id"]!.GetValue<string>() == reservation["subnet_id"]!.GetValue<string>())
                .ShouldAllBe(machine => TerraformDocument.Texts(machine["depends_on"]) == "'aws_ec2_subnet_cidr_reservation.headscale'");
        }
    }

    [Fact]
    public void Every_pair_of_regions_is_joined_and_every_table_has_the_ways_to_the_others()
    {
        ThreeRegions.Resources("aws_vpc_peering_connection").Select(pair => $"{pair.Value["provider"]} {pair.Value["vpc_id"]} {pair.Value["peer_vpc_id"]} {pair.Value["peer_region"]}")
            .ShouldBe(
                [
                    "aws.eu-west-1 ${aws_vpc.eu-west-1.id} ${aws_vpc.us-east-1.id} us-east-1",
                    "aws.eu-west-1 ${aws_vpc.eu-west-1.id} ${aws_vpc.ap-southeast-2.id} ap-southeast-2",
                    "aws.us-east-1 ${aws_vpc.us-east-1.id} ${aws_vpc.ap-southeast-2.id} ap-southeast-2",
                ]);
        ThreeRegions.Resources("aws_vpc_peering_connection_accepter").Select(pair => $"{pair.Value["provider"]} {pair.Value["vpc_peering_connection_id"]} {pair.Value["auto_accept"]}")
            .ShouldBe(
                [
                    "aws.us-east-1 ${aws_vpc_peering_connection.eu-west-1_us-east-1.id} true",
                    "aws.ap-southeast-2 ${aws_vpc_peering_connection.eu-west-1_ap-southeast-2.id} true",
                    "aws.ap-southeast-2 ${aws_vpc_peering_connection.us-east-1_ap-southeast-2.id} true",
                ]);
        var regions = TerraformTopologies.ThreeRegions.Regions.ToList();
        var expected =
            from here in regions
            from there in regions
            where here != there
            from kind in new[] { "public", "private" }
            let pair = regions.IndexOf(here) < regions.IndexOf(there) ? $"{here.Name}_{there.Name}" : $"{there.Name}_{here.Name}"
            select $"aws.{here.Name} ${{aws_route_table.{here.Name}_{kind}.id}} {there.Cidr} ${{aws_vpc_peering_connection_accepter.{pair}.id}}";
        ThreeRegions.Resources("aws_route").Values
            .Where(route => route.ContainsKey("vpc_peering_connection_id"))
            .Select(route => $"{route["provider"]} {route["route_table_id"]} {route["destination_cidr_block"]} {route["vpc_peering_connection_id"]}")
            .ShouldBe(expected, ignoreOrder: true);
    }

    [Fact]
    public void One_region_is_joined_to_none()
    {
        TerraformConfiguration.Write(TerraformTopologies.OneRegion).ShouldNotContain(file => file.Path.Contains("peering", StringComparison.Ordinal));
        OneRegion.Resources("aws_vpc_peering_connection").ShouldBeEmpty();
    }

    [Fact]
    public void The_key_pair_is_the_first_operators_whose_key_EC2_takes_without_its_comment()
    {
        ThreeRegions.Resources("aws_key_pair").Keys.ShouldBe(TerraformTopologies.ThreeRegions.Regions.Select(region => region.Name));
        ThreeRegions.Resources("aws_key_pair").Values
            .ShouldAllBe(pair => pair["public_key"]!.GetValue<string>() == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILKHChQ41OUknyX4PVJpyUvKhNeMx41otXzkYIOchhE5");
        OneRegion.Resources("aws_key_pair").ShouldBeEmpty();
        OneRegion.Resources("aws_instance").Values.ShouldAllBe(machine => !machine.ContainsKey("key_name"));
    }

    [Fact]
    public void Buckets_are_versioned_encrypted_closed_and_kept()
    {
        var buckets = Reference.Resources("aws_s3_bucket");
        buckets.ToDictionary(pair => pair.Key, pair => pair.Value["bucket"]!.GetValue<string>())
            .ShouldBe(new Dictionary<string, string> { ["backups"] = Buckets.Of(Topology).Backups.Name, ["images"] = Buckets.Of(Topology).Images.Name });
        buckets.Values.ShouldAllBe(resource => IsKept(resource));
        foreach (var bucket in buckets.Keys)
        {
            Reference.Resources("aws_s3_bucket_versioning")[bucket]["versioning_configuration"]!["status"]!.GetValue<string>().ShouldBe("Enabled");
            Reference.Resources("aws_s3_bucket_server_side_encryption_configuration").Keys.ShouldContain(bucket);
            Reference.Resources("aws_s3_bucket_lifecycle_configuration").Keys.ShouldContain(bucket);
            var block = Reference.Resources("aws_s3_bucket_public_access_block")[bucket];
            new[] { "block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets" }.ShouldAllBe(key => block[key]!.GetValue<bool>());
            Reference.Resources("aws_s3_bucket_policy")[bucket]["policy"]!.GetValue<string>().ShouldBe($"${{data.aws_iam_policy_document.bucket_{bucket}.json}}");
            var denial = Reference.Data("aws_iam_policy_document")["bucket_" + bucket]["statement"]![0]!;
            denial["effect"]!.GetValue<string>().ShouldBe("Deny");
            Reference.Statements("bucket_" + bucket)[0]
                .ShouldBe($"'s3:*' | '${{aws_s3_bucket.{bucket}.arn}}' '${{aws_s3_bucket.{bucket}.arn}}/*' | Bool aws:SecureTransport 'false'");
        }
    }

    [Fact]
    public void Images_are_readable_through_CloudFront_only()
    {
        var statements = Reference.Data("aws_iam_policy_document")["bucket_images"]["statement"]!.AsArray();
        var allowed = statements.Where(statement => statement!["effect"]!.GetValue<string>() == "Allow").ShouldHaveSingleItem()!;
        allowed["principals"]!.ToJsonString().ShouldBe("""{"type":"Service","identifiers":["cloudfront.amazonaws.com"]}""");
        Reference.Statements("bucket_images")[1]
            .ShouldBe("'s3:GetObject' | '${aws_s3_bucket.images.arn}/menus/*' | StringEquals AWS:SourceArn '${aws_cloudfront_distribution.images.arn}'");
        Reference.Data("aws_iam_policy_document")["bucket_backups"]["statement"]!.AsArray().ShouldAllBe(statement => statement!["effect"]!.GetValue<string>() == "Deny");
    }

    [Fact]
    public void Machines_may_do_what_their_role_needs_and_no_more()
    {
        string[] roles = ["ingress", "backend", "coordinator", "worker", "standby", "headscale", "monitoring"];
        Reference.Resources("aws_iam_role_policy").Keys.ShouldBe(roles);
        Reference.Resources("aws_iam_instance_profile").Keys.ShouldBe(roles);

        // AWS' own policies allow more than a session.
        Reference.Resources("aws_iam_role_policy_attachment").Keys.ShouldBe(["snapshots"]);
        foreach (var role in roles)
        {
            Reference.Statements(role)[0].ShouldBe(
                "'ssm:UpdateInstanceInformation' 'ssmmessages:CreateControlChannel' 'ssmmessages:CreateDataChannel' 'ssmmessages:OpenControlChannel' 'ssmmessages:OpenDataChannel' | '*'");
        }

        Reference.Statements("monitoring").Count.ShouldBe(1);
        Reference.Statements("backend").Skip(1).ShouldBe(["'s3:PutObject' | '${aws_s3_bucket.images.arn}/menus/*'"]);
        Reference.Statements("headscale").Skip(1).ShouldBe(
            [
                "'s3:ListBucket' | '${aws_s3_bucket.backups.arn}' | StringEquals s3:prefix '' 'headscale' | StringEquals s3:delimiter '/'",
                "'s3:ListBucket' | '${aws_s3_bucket.backups.arn}' | StringLike s3:prefix 'headscale/*'",
                "'s3:GetObject' 's3:PutObject' | '${aws_s3_bucket.backups.arn}/headscale/*'",
            ]);
        Reference.Statements("worker").Skip(1).ShouldBe(
            [
                "'s3:ListBucket' | '${aws_s3_bucket.backups.arn}' | StringEquals s3:prefix '' 'dinehub' | StringEquals s3:delimiter '/'",
                "'s3:ListBucket' | '${aws_s3_bucket.backups.arn}' | StringLike s3:prefix 'dinehub/*'",
                "'s3:GetObject' 's3:PutObject' 's3:DeleteObject' | '${aws_s3_bucket.backups.arn}/dinehub/*'",
            ]);
        Reference.Statements("coordinator").ShouldBe(Reference.Statements("worker"));
        Reference.Statements("standby").ShouldBe(Reference.Statements("worker"));
        Reference.Statements("ingress").Skip(1).ShouldBe(
            [
                "'route53:GetChange' | 'arn:${data.aws_partition.current.partition}:route53:::change/*'",
                "'route53:ListHostedZonesByName' | '*'",
                "'route53:ListResourceRecordSets' | '${data.aws_route53_zone.public.arn}'",
                "'route53:ChangeResourceRecordSets' | '${data.aws_route53_zone.public.arn}' | ForAllValues:StringEquals route53:ChangeResourceRecordSetsNormalizedRecordNames '_acme-challenge.dinehub.example' '_acme-challenge.control.dinehub.example' | ForAllValues:StringEquals route53:ChangeResourceRecordSetsRecordTypes 'TXT'",
            ]);
    }

    [Fact]
    public void Ingresses_that_are_all_active_answer_together()
    {
        var records = new TerraformDocument(TerraformTopologies.ThreeRegions with
        {
            Machines = TerraformTopologies.ThreeRegions.Machines with { IngressBalancing = IngressBalancing.ActiveActive },
        }).Resources("aws_route53_record");
        foreach (var number in new[] { 1, 2 })
        {
            var record = records[string.Create(CultureInfo.InvariantCulture, $"active_ingress-us-{number}")];
            record["name"]!.GetValue<string>().ShouldBe("us.ingress.dinehub.example");
            record["multivalue_answer_routing_policy"]!.GetValue<bool>().ShouldBeTrue();
            record.ContainsKey("failover_routing_policy").ShouldBeFalse();
        }

        records["domain_us-east-1"]["alias"]!["name"]!.GetValue<string>().ShouldBe("${aws_route53_record.active_ingress-us-1.fqdn}");
    }

    [Fact]
    public void An_ingress_that_waits_is_answered_while_the_first_is_not_healthy()
    {
        var records = ThreeRegions.Resources("aws_route53_record");
        records.Where(pair => pair.Key.StartsWith("failover_ingress-us-", StringComparison.Ordinal))
            .Select(pair => $"{pair.Value["name"]} {pair.Value["failover_routing_policy"]!["type"]} {pair.Value["health_check_id"]} {pair.Value["records"]![0]} {pair.Value["ttl"]}")
            .ShouldBe(
                [
                    "us.standby.dinehub.example PRIMARY ${aws_route53_health_check.ingress-us-1.id} ${aws_eip.ingress-us-1.public_ip} 30",
                    "us.standby.dinehub.example SECONDARY ${aws_route53_health_check.ingress-us-2.id} ${aws_eip.ingress-us-2.public_ip} 30",
                ]);
        records.Values.ShouldAllBe(record => !record.ContainsKey("multivalue_answer_routing_policy"));
        ThreeRegions.Data("aws_route53_zone")["public"]["name"]!.GetValue<string>().ShouldBe("example");
    }

    [Fact]
    public void The_domain_and_the_control_servers_name_lead_to_the_nearest_healthy_region()
    {
        var records = ThreeRegions.Resources("aws_route53_record");
        foreach (var (label, name) in new[] { ("domain", "dinehub.example"), ("control", "control.dinehub.example") })
        {
            foreach (var region in TerraformTopologies.ThreeRegions.Regions)
            {
                var record = records[$"{label}_{region.Name}"];
                record["name"]!.GetValue<string>().ShouldBe(name);
                record["set_identifier"]!.GetValue<string>().ShouldBe(region.Name);
                record["latency_routing_policy"]!["region"]!.GetValue<string>().ShouldBe(region.Name);
                record["alias"]!["name"]!.GetValue<string>().ShouldBe($"${{aws_route53_record.failover_ingress-{region.Alias}-1.fqdn}}");
                record["alias"]!["evaluate_target_health"]!.GetValue<bool>().ShouldBeTrue();
            }
        }
    }

    [Fact]
    public void Health_is_asked_of_each_ingress_by_its_address_and_under_the_domain()
    {
        var checks = Reference.Resources("aws_route53_health_check");
        checks.Keys.ShouldBe(Topology.OfRole(Role.Ingress).Select(ingress => ingress.Name));
        checks["ingress-us-1"].ToJsonString().ShouldBe(
            """{"type":"HTTPS","ip_address":"${aws_eip.ingress-us-1.public_ip}","port":443,"fqdn":"dinehub.example","enable_sni":true,"resource_path":"/","request_interval":10,"failure_threshold":3,"tags":{"Name":"ingress-us-1"}}""");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void What_is_made_grows_with_the_number_of_machines_and_no_faster(int regions)
    {
        var few = TerraformTopologies.Large(regions, 1);
        var some = TerraformTopologies.Large(regions, 50);
        var many = TerraformTopologies.Large(regions, 99);
        (some.Nodes.Count - few.Nodes.Count).ShouldBe(49 * regions);
        new TerraformDocument(some).ResourceCount.ShouldBe(new TerraformDocument(few).ResourceCount + (49 * regions));
        new TerraformDocument(many).ResourceCount.ShouldBe(new TerraformDocument(few).ResourceCount + (98 * regions));
    }

    private static bool IsKept(JsonObject resource) => resource["lifecycle"]?["prevent_destroy"]?.GetValue<bool>() == true;

    [GeneratedRegex(@"\A[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}\z")]
    private static partial Regex DescriptionPattern();
}
