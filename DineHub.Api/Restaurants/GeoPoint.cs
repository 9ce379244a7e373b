using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace DineHub.Api.Restaurants;

/// <summary>A point on the earth, in degrees (WGS 84).</summary>
/// <param name="Latitude">Degrees north, -90 to 90.</param>
/// <param name="Longitude">Degrees east, -180 to 180.</param>
internal sealed record GeoPoint(double Latitude, double Longitude)
{
    private const double EarthRadiusMeters = 6_371_008.8;

    /// <summary>Reads "53.34,-6.26".</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out GeoPoint? point)
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
        point = text.Split(',') is [var north, var east]
            && double.TryParse(north, Style, CultureInfo.InvariantCulture, out var latitude) && Math.Abs(latitude) <= 90
            && double.TryParse(east, Style, CultureInfo.InvariantCulture, out var longitude) && Math.Abs(longitude) <= 180
            ? new GeoPoint(latitude, longitude)
            : null;
        return point is not null;
    }

    /// <summary>The way as the crow flies (haversine formula), in metres.</summary>
    public double MetersTo(GeoPoint other)
    {
        var north = double.DegreesToRadians(other.Latitude - Latitude);
        var east = double.DegreesToRadians(other.Longitude - Longitude);
        var a = Math.Pow(Math.Sin(north / 2), 2)
            + (Math.Cos(double.DegreesToRadians(Latitude)) * Math.Cos(double.DegreesToRadians(other.Latitude)) * Math.Pow(Math.Sin(east / 2), 2));
        return 2 * EarthRadiusMeters * Math.Asin(Math.Min(1, Math.Sqrt(a)));
    }
}
