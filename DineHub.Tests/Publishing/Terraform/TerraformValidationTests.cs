using DineHub.AppHost.Publishing.Terraform;

namespace DineHub.Tests.Publishing.Terraform;

/// <summary>What Terraform says of the files, by the schema of the real AWS provider.</summary>
public sealed class TerraformValidationTests
{
    [TerraformFact]
    public async Task Deployments_of_each_kind_are_valid_and_one_with_a_misspelt_attribute_is_not()
    {
        const string Misspelt = "misspelt";
        var misspelt = TerraformConfiguration.Write(TerraformTopologies.OneRegion)
            .Select(file => file with { Content = file.Content.Replace("\"http_tokens\"", "\"http_token\"", StringComparison.Ordinal) });
        var complaints = await TerraformProgram.ValidateAsync(
            ("reference", TerraformConfiguration.Write(TerraformTopologies.Reference)),
            ("one-region", TerraformConfiguration.Write(TerraformTopologies.OneRegion)),
            ("three-regions-with-a-waiting-ingress-each", TerraformConfiguration.Write(TerraformTopologies.ThreeRegions)),
            (Misspelt, [.. misspelt]));
        complaints.Where(one => one.Key != Misspelt).SelectMany(one => one).ShouldBeEmpty();
        complaints[Misspelt].ShouldContain(complaint => complaint.Contains("\"http_token\"", StringComparison.Ordinal));
    }

    [TerraformFact]
    public async Task The_plan_of_the_reference_deployment_is_whole_and_tells_what_hosts_need_to_know()
    {
        var providers = new[] { "" }.Concat(TerraformTopologies.Reference.Regions.Select(region => $"alias = \"{region.Name}\"")).Select(alias => $$"""
            mock_provider "aws" {
              {{alias}}
              override_during = plan
              mock_data "aws_partition" {
                defaults = { partition = "aws" }
              }
              mock_data "aws_availability_zones" {
                defaults = { names = ["first", "second"] }
              }
              mock_data "aws_iam_policy_document" {
                defaults = { json = "{}" }
              }
              mock_data "aws_route53_zone" {
                defaults = { name_servers = ["ns.example"] }
              }
              mock_resource "aws_iam_role" {
                defaults = { arn = "arn:aws:iam::123456789012:role/some" }
              }
              mock_resource "aws_instance" {
                defaults = { id = "i-1", private_ip = "10.0.0.1" }
              }
              mock_resource "aws_eip" {
                defaults = { public_ip = "192.0.2.1" }
              }
              mock_resource "aws_ebs_volume" {
                defaults = { id = "vol-1" }
              }
              mock_resource "aws_route53_health_check" {
                defaults = { id = "check" }
              }
              mock_resource "aws_cloudfront_distribution" {
                defaults = { domain_name = "images.example" }
              }
            }
            """);
        var test = string.Join('\n', providers) + $$"""

            run "plan" {
              command = plan
              assert {
                condition     = length(output.hosts) == {{TerraformTopologies.Reference.Nodes.Count}}
                error_message = "Not every machine is told."
              }
              assert {
                condition     = output.hosts["ingress-us-1"] == { instanceId = "i-1", privateAddress = "10.0.0.1", publicAddress = "192.0.2.1", dataVolumeId = null }
                error_message = jsonencode(output.hosts["ingress-us-1"])
              }
              assert {
                condition     = output.hosts["headscale"] == { instanceId = "i-1", privateAddress = "10.10.128.10", publicAddress = null, dataVolumeId = "vol-1" }
                error_message = jsonencode(output.hosts["headscale"])
              }
              assert {
                condition     = output.health_checks == { ingress-eu-1 = "check", ingress-us-1 = "check" }
                error_message = jsonencode(output.health_checks)
              }
              assert {
                condition     = output.images_public_url == "https://images.example" && output.name_servers[0] == "ns.example"
                error_message = output.images_public_url
              }
              assert {
                condition     = data.aws_ami.eu-west-1_x86_64.filter != null && aws_subnet.eu-west-1_private_2.availability_zone == "second"
                error_message = aws_subnet.eu-west-1_private_2.availability_zone
              }
            }
            """;
        (await TerraformProgram.TestAsync(TerraformConfiguration.Write(TerraformTopologies.Reference), test)).ShouldBe("");
    }
}
