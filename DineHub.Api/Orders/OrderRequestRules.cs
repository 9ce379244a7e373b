using DineHub.Api.Http.Errors;
using DineHub.Api.Restaurants;

namespace DineHub.Api.Orders;

/// <summary>What a request must be, whatever the menu says.</summary>
internal static class OrderRequestRules
{
    public const int MaxLines = 50;
    public const int MaxQuantity = 99;
    public const int MaxOptions = 20;
    public const int MaxIdLength = 64;
    public const int MaxNoteLength = 200;
    public const int MaxKeyLength = 255;

    public const int MaxOrderNoteLength = 500;

    public static FieldErrors Check(PlaceOrderRequest request)
    {
        var errors = new FieldErrors();
        CheckBasket(request, errors);
        errors.Limit("customer.phone", request.Customer?.Phone, 30);
        errors.Limit("customer.name", request.Customer?.Name, 100);
        if (request.Fulfilment is { Type: not FulfilmentType.Table } && string.IsNullOrWhiteSpace(request.Customer?.Name))
        {
            errors.Add("customer.name", $"is required for {request.Fulfilment.Type}");
        }

        errors.Limit("note", request.Note, MaxOrderNoteLength);
        if (request.ExpectedTotal < 0)
        {
            errors.Add("expectedTotal", "must not be negative");
        }

        if (request.Payment is { } payment && request.Fulfilment is { } fulfilment && payment != OrderTerms.PaymentFor(fulfilment.Type))
        {
            errors.Add("payment", $"must be {OrderTerms.PaymentFor(fulfilment.Type)} for {fulfilment.Type}");
        }

        return errors;
    }

    public static FieldErrors Check(QuoteRequest request)
    {
        var errors = new FieldErrors();
        CheckBasket(request, errors);
        return errors;
    }

    private static void CheckBasket(IBasket request, FieldErrors errors)
    {
        CheckFulfilment(request.Fulfilment, errors);
        if (request.Tip is { } tip)
        {
            if (tip.Amount.HasValue == tip.Percent.HasValue)
            {
                errors.Add("tip", "must have either amount or percent");
            }

            errors.Range("tip.amount", tip.Amount ?? 0, 0, RestaurantRules.MaxAmount);
            errors.Range("tip.percent", tip.Percent ?? 0, 0, 100);
        }

        if (request.Lines is not { Count: >= 1 and <= MaxLines } lines)
        {
            errors.Add("lines", $"must have between 1 and {MaxLines} lines");
            return;
        }

        for (var i = 0; i < lines.Count; i++)
        {
            CheckLine(errors, $"lines[{i}]", lines[i]);
        }
    }

    /// <summary>The key as the client sent it: visible ASCII, so that it is one value however a proxy folds white space.</summary>
    public static FieldErrors CheckKey(string? key)
    {
        var errors = new FieldErrors();
        if (string.IsNullOrEmpty(key))
        {
            errors.Add("Idempotency-Key", "this header is required: a value that is unique for each order, such as a UUID");
        }
        else if (key.Length > MaxKeyLength || key.Any(character => character is < '!' or > '~'))
        {
            errors.Add("Idempotency-Key", $"must be 1 to {MaxKeyLength} visible ASCII characters without spaces");
        }

        return errors;
    }

    public static FieldErrors Check(ChangeStatusRequest request)
    {
        var errors = new FieldErrors();
        if (request.Status is not { } status)
        {
            errors.Add("status", "is required");
        }
        else if (status is OrderStatus.Placed or OrderStatus.Expired)
        {
            errors.Add("status", $"{status} cannot be set by clients");
        }
        else if (OrderLifecycle.NeedsReason(status) != request.Reason.HasValue)
        {
            errors.Add("reason", request.Reason.HasValue ? $"is not allowed for {status}" : $"is required for {status}");
        }

        return errors;
    }

    private static void CheckFulfilment(Fulfilment? fulfilment, FieldErrors errors)
    {
        if (fulfilment is null)
        {
            errors.Add("fulfilment", "is required");
            return;
        }

        var delivery = fulfilment.Type == FulfilmentType.Delivery;
        Needed(errors, "fulfilment.address", fulfilment.Address, 300, delivery, fulfilment.Type);
        Needed(errors, "fulfilment.table", fulfilment.Table, 20, fulfilment.Type == FulfilmentType.Table, fulfilment.Type);
        foreach (var (field, degrees, most) in new[] { ("fulfilment.latitude", fulfilment.Latitude, 90), ("fulfilment.longitude", fulfilment.Longitude, 180) })
        {
            if (delivery)
            {
                errors.Range(field, degrees, -most, most);
            }
            else if (degrees is not null)
            {
                errors.Add(field, $"is not allowed for {fulfilment.Type}");
            }
        }
    }

    private static void CheckLine(FieldErrors errors, string field, OrderLineRequest? line)
    {
        if (line is null)
        {
            errors.Add(field, "is required");
            return;
        }

        if (string.IsNullOrEmpty(line.ItemId))
        {
            errors.Add($"{field}.itemId", "is required");
        }

        errors.Limit($"{field}.itemId", line.ItemId, MaxIdLength);
        if (line.Quantity is not (>= 1 and <= MaxQuantity))
        {
            errors.Add($"{field}.quantity", $"must be between 1 and {MaxQuantity}");
        }

        errors.Limit($"{field}.note", line.Note, MaxNoteLength);
        if (line.Options is not { } options)
        {
            return;
        }

        if (options.Count > MaxOptions)
        {
            errors.Add($"{field}.options", $"must have at most {MaxOptions} options");
        }
        else if (options.Any(option => string.IsNullOrEmpty(option) || option.Length > MaxIdLength))
        {
            errors.Add($"{field}.options", $"must be ids of 1 to {MaxIdLength} characters");
        }
        else if (options.Distinct(StringComparer.Ordinal).Count() != options.Count)
        {
            errors.Add($"{field}.options", "must not name an option twice");
        }
    }

    private static void Needed(FieldErrors errors, string field, string? value, int longest, bool needed, FulfilmentType type)
    {
        if (needed == string.IsNullOrWhiteSpace(value))
        {
            errors.Add(field, needed ? $"is required for {type}" : $"is not allowed for {type}");
        }

        errors.Limit(field, value, longest);
    }
}
