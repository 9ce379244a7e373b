using DineHub.Tests.Processes;

namespace DineHub.Tests.Publishing;

/// <summary>A fact about what nftables says in a network namespace of its own, which is skipped, with the reason, where that can't be had.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NftFactAttribute : FactAttribute
{
    public NftFactAttribute()
    {
        if (ProcessLauncher.FindProgram("nft") is null)
        {
            Skip = "nft is not installed: apt-get install nftables";
        }
        else if (!NetworkNamespaceFactAttribute.IsPermitted)
        {
            Skip = NetworkNamespaceFactAttribute.NeedsRights;
        }
    }
}
