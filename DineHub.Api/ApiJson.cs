using System.Text.Json;
using System.Text.Json.Serialization;
using DineHub.Api.Accounts;
using DineHub.Api.Http;
using DineHub.Api.Images;
using DineHub.Api.Kitchens;
using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Api.Reports;
using DineHub.Api.Restaurants;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.AspNetCore.Mvc;

namespace DineHub.Api;

/// <summary>Everything that crosses the wire or is kept as a document.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    NumberHandling = JsonNumberHandling.Strict,
    AllowDuplicateProperties = false,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(StrictEnumConverter<DayOfWeek>)])]
[JsonSerializable(typeof(RestaurantPage))]
[JsonSerializable(typeof(RestaurantProfile))]
[JsonSerializable(typeof(CreateRestaurantRequest))]
[JsonSerializable(typeof(SlotList))]
[JsonSerializable(typeof(OpeningHours))]
[JsonSerializable(typeof(IReadOnlyList<TaxRate>))]
[JsonSerializable(typeof(MenuDocument))]
[JsonSerializable(typeof(Menu))]
[JsonSerializable(typeof(UnavailableRequest))]
[JsonSerializable(typeof(Dictionary<string, Unavailability>))]
[JsonSerializable(typeof(StockRequest))]
[JsonSerializable(typeof(StockList))]
[JsonSerializable(typeof(ImageUploadRequest))]
[JsonSerializable(typeof(ImageUpload))]
[JsonSerializable(typeof(Kitchen))]
[JsonSerializable(typeof(CapacitySettings))]
[JsonSerializable(typeof(PauseRequest))]
[JsonSerializable(typeof(BusyRequest))]
[JsonSerializable(typeof(QuoteRequest))]
[JsonSerializable(typeof(Quote))]
[JsonSerializable(typeof(PlaceOrderRequest))]
[JsonSerializable(typeof(ChangeStatusRequest))]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(OrderPage))]
[JsonSerializable(typeof(IReadOnlyList<OrderLine>))]
[JsonSerializable(typeof(IReadOnlyList<OrderEvent>))]
[JsonSerializable(typeof(IReadOnlyList<TakenStock>))]
[JsonSerializable(typeof(RegisterRequest))]
[JsonSerializable(typeof(SignInRequest))]
[JsonSerializable(typeof(RefreshRequest))]
[JsonSerializable(typeof(AccessTokenResponse))]
[JsonSerializable(typeof(Account))]
[JsonSerializable(typeof(ChangeAccountRequest))]
[JsonSerializable(typeof(ChangePasswordRequest))]
[JsonSerializable(typeof(EraseAccountRequest))]
[JsonSerializable(typeof(AccountExport))]
[JsonSerializable(typeof(OrderSummaryPage))]
[JsonSerializable(typeof(StaffList))]
[JsonSerializable(typeof(InviteRequest))]
[JsonSerializable(typeof(Invitation))]
[JsonSerializable(typeof(AcceptInvitationRequest))]
[JsonSerializable(typeof(SalesReport))]
[JsonSerializable(typeof(BestSellersReport))]
[JsonSerializable(typeof(StagesReport))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(HttpValidationProblemDetails))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class ApiJson : JsonSerializerContext;
