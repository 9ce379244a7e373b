using DineHub.Api.Accounts;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace DineHub.Api.Contract;

/// <summary>Says which operations take a bearer token, and whose, as the endpoints' own authorization does.</summary>
internal sealed class AccessDescription : IOpenApiOperationTransformer
{
    private const string Scheme = "bearer";

    public static void AddTo(OpenApiDocument document) => document.AddComponent<IOpenApiSecurityScheme>(Scheme, new OpenApiSecurityScheme
    {
        Type = SecuritySchemeType.Http,
        Scheme = Scheme,
        Description = "The accessToken of a sign-in, valid for 15 minutes, or the operators' key.",
    });

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var bearer = new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, context.Document)] = [] };
        if (!metadata.OfType<IAllowAnonymous>().Any())
        {
            operation.Security = [bearer];
            operation.Description = $"{operation.Description} For {Who(metadata.OfType<AuthorizationPolicy>())}.".Trim();
        }
        else if (operation.Parameters?.Any(parameter => parameter.Name is ParameterDescriptions.TrackingToken or ParameterDescriptions.IdempotencyKey) is true)
        {
            // Guests may call it too; the token distinguishes accounts from guests.
            operation.Security = [[], bearer];
        }

        return Task.CompletedTask;
    }

    public static bool IsRequired(OpenApiOperation operation) => operation.Security is [{ Count: > 0 }];

    private static string Who(IEnumerable<AuthorizationPolicy> policies) => policies.SelectMany(policy => policy.Requirements).Select(requirement => requirement switch
    {
        StaffRequirement { AtLeast: StaffRole.Kitchen } => "the restaurant's staff, and operators",
        StaffRequirement staff => $"the restaurant's staff from {staff.AtLeast} up, and operators",
        RolesAuthorizationRequirement => "operators",
        AccountRequirement => "signed-in accounts, not for the operators' key",
        _ => null,
    }).FirstOrDefault(who => who is not null) ?? "some";
}
