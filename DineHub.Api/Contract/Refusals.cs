using DineHub.Api.Http.Errors;

namespace DineHub.Api.Contract;

/// <summary>Which reasons an operation can refuse with, by its id. No metadata of an endpoint says so.</summary>
internal static class Refusals
{
    private static readonly Refusal[] Restaurant = [Refusal.UnknownRestaurant];
    private static readonly Refusal[] Order = [Refusal.UnknownRestaurant, Refusal.UnknownOrder];
    private static readonly Refusal[] Item = [Refusal.UnknownRestaurant, Refusal.UnknownItem];
    private static readonly Refusal[] Versioned = [Refusal.UnknownRestaurant, Refusal.VersionMismatch, Refusal.VersionRequired];
    private static readonly Refusal[] Account = [Refusal.UnknownAccount];
    private static readonly Refusal[] OwnAccount = [Refusal.SessionEnded];
    private static readonly Refusal[] Password = [Refusal.SessionEnded, Refusal.WrongCredentials, Refusal.TooManyTries];

    public static IReadOnlyDictionary<string, IReadOnlyList<Refusal>> Of { get; } = new Dictionary<string, IReadOnlyList<Refusal>>
    {
        ["ListRestaurants"] = [],
        ["GetRestaurant"] = Restaurant,
        ["ListSlots"] = Restaurant,
        ["CreateRestaurant"] = [Refusal.SlugTaken],
        ["ChangeRestaurant"] = [.. Versioned, Refusal.TaxRateInUse],
        ["CloseRestaurant"] = Restaurant,
        ["ReopenRestaurant"] = Restaurant,

        ["GetMenu"] = Restaurant,
        ["ReplaceMenu"] = Versioned,
        ["TakeItemOff"] = Item,
        ["PutItemBack"] = Item,
        ["TakeOptionOff"] = Item,
        ["PutOptionBack"] = Item,
        ["ListStock"] = [],
        ["SetStock"] = Item,
        ["RemoveStock"] = [Refusal.UnknownItem],

        ["CreateImageUpload"] = [],
        ["UploadImage"] =
        [
            Refusal.UnknownImage, Refusal.UploadNotAllowed, Refusal.UploadExpired, Refusal.ImageExists, Refusal.ImageTooLarge, Refusal.ImageNotAsAllowed,
        ],
        ["GetImage"] = [Refusal.UnknownImage],

        ["CreateQuote"] = [Refusal.UnknownRestaurant, Refusal.DoesNotFitTheMenu],
        ["PlaceOrder"] =
        [
            Refusal.UnknownRestaurant, Refusal.MenuChanging, Refusal.IdempotencyKeyReused, Refusal.DoesNotFitTheMenu, Refusal.TotalChanged,
            Refusal.ItemUnavailable, Refusal.OutOfStock, Refusal.Closed, Refusal.ClosedForGood, Refusal.Paused, Refusal.KitchenFull, Refusal.NotASlot,
            Refusal.FulfilmentNotOffered, Refusal.OutsideDeliveryArea, Refusal.BelowMinimum,
        ],
        ["ListOrders"] = Restaurant,
        ["GetOrder"] = Order,
        ["FollowOrder"] = Order,
        ["CancelOrder"] = [.. Order, Refusal.IllegalTransition],
        ["ChangeOrderStatus"] = [.. Order, Refusal.IllegalTransition, Refusal.VersionMismatch],
        ["BumpOrder"] = [.. Order, Refusal.IllegalTransition, Refusal.VersionMismatch, Refusal.VersionRequired],
        ["EraseOrder"] = [Refusal.UnknownOrder, Refusal.OrderOnItsWay],

        ["GetKitchen"] = Restaurant,
        ["PauseKitchen"] = Restaurant,
        ["ResumeKitchen"] = Restaurant,
        ["SetKitchenBusy"] = Restaurant,
        ["ClearKitchenBusy"] = Restaurant,
        ["SetKitchenCapacity"] = Restaurant,
        ["WatchKitchen"] = Restaurant,

        ["GetSales"] = Restaurant,
        ["GetBestSellers"] = Restaurant,
        ["GetStages"] = Restaurant,
        ["ExportOrders"] = Restaurant,

        ["ListStaff"] = [],
        ["InviteStaff"] = [Refusal.UnknownRestaurant, Refusal.RoleTooLow],
        ["WithdrawInvitation"] = [Refusal.UnknownInvitation, Refusal.RoleTooLow],
        ["AcceptInvitation"] = [Refusal.UnknownInvitation],
        ["RemoveStaff"] = [Refusal.UnknownAccount, Refusal.RoleTooLow, Refusal.LastOwner],

        ["Register"] = [Refusal.EmailTaken],
        ["SignIn"] = [Refusal.WrongCredentials, Refusal.TooManyTries],
        ["Refresh"] = [Refusal.SessionEnded],
        ["SignOutEverywhere"] = [],
        ["GetAccount"] = OwnAccount,
        ["ChangeAccount"] = OwnAccount,
        ["ChangePassword"] = Password,
        ["ListOwnOrders"] = OwnAccount,
        ["ExportAccount"] = OwnAccount,
        ["EraseAccount"] = [.. Password, Refusal.OrderOnItsWay],
        ["GrantOperator"] = Account,
        ["RevokeOperator"] = Account,
    };
}
