using System.Globalization;
using System.Text.Json.Nodes;

namespace DineHub.Tests.Contract;

public sealed class ContractChangesTests
{
    private const string Document = """
        {
          "paths": {
            "/things": {
              "get": {
                "operationId": "ListThings",
                "parameters": [
                  { "name": "limit", "in": "query", "schema": { "type": "integer", "format": "int32" } },
                  { "name": "kind", "in": "query", "required": true, "schema": { "$ref": "#/components/schemas/Kind" } }
                ],
                "responses": {
                  "200": {
                    "headers": { "ETag": {} },
                    "content": { "application/json": { "schema": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } } } }
                  },
                  "404": { "$ref": "#/components/responses/Missing" }
                }
              },
              "post": {
                "operationId": "MakeThing",
                "security": [ {}, { "bearer": [] } ],
                "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/MakeThing" } } } },
                "responses": { "201": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } } }
              }
            },
            "/other": { "get": { "responses": { "204": {} } } }
          },
          "components": {
            "schemas": {
              "Kind": { "type": "string", "enum": [ "Red", "Blue" ] },
              "Reason": { "type": "string", "enum": [ "Gone" ] },
              "Thing": {
                "type": "object",
                "required": [ "id", "state" ],
                "properties": {
                  "id": { "type": "string", "format": "uuid" },
                  "state": { "type": "string", "enum": [ "On", "Off" ] },
                  "name": { "type": "string" },
                  "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } }
                }
              },
              "MakeThing": {
                "type": "object",
                "required": [ "name" ],
                "properties": { "name": { "type": "string" }, "size": { "type": "integer" } }
              }
            },
            "responses": {
              "Missing": {
                "content": {
                  "application/problem+json": { "schema": { "type": "object", "properties": { "reason": { "$ref": "#/components/schemas/Reason" } } } }
                }
              }
            }
          }
        }
        """;

    private const string Get = "paths//things/get";
    private const string Post = "paths//things/post";
    private const string Thing = "components/schemas/Thing";
    private const string Make = "components/schemas/MakeThing";

    [Fact]
    public void A_document_breaks_nothing_of_itself() => ContractChanges.Breaking(Parse(), Parse()).ShouldBeEmpty();

    [Theory]
    [InlineData("paths//other", null, "/other is gone")]
    [InlineData(Post, null, "POST /things is gone")]
    [InlineData(Get + "/operationId", "\"GetThings\"", "GET /things: operationId was ListThings and is GetThings")]
    [InlineData(Get + "/security", """[ { "bearer": [] } ]""", "GET /things: needs a token now")]
    [InlineData(Post + "/security/0", """{ "bearer": [] }""", "POST /things: needs a token now")]
    [InlineData(Get + "/responses/404", null, "GET /things: answer 404 is gone")]
    [InlineData(Get + "/responses/200/headers/ETag", null, "GET /things: answer 200: header ETag is gone")]
    [InlineData(Get + "/responses/200/content", """{ "text/csv": {} }""", "GET /things: answer 200: application/json is gone")]
    [InlineData(Get + "/parameters/1", null, "GET /things: query parameter kind is gone")]
    [InlineData(Get + "/parameters/0/required", "true", "GET /things: query parameter limit is required now")]
    [InlineData(Get + "/parameters/0/schema/type", "\"string\"", "GET /things: query parameter limit: type was integer and is string")]
    [InlineData(Get + "/parameters/0/schema/format", "\"int64\"", "GET /things: query parameter limit: format was int32 and is int64")]
    [InlineData(Get + "/parameters/2", """{ "name": "x", "in": "header", "required": true }""", "GET /things: header parameter x is new and required")]
    [InlineData("components/schemas/Kind/enum/1", null, "GET /things: query parameter kind: Blue is gone")]
    [InlineData(Post + "/requestBody/required", "true", "POST /things: a body is required now")]
    [InlineData(Make + "/required/1", "\"size\"", "POST /things: body.size is required now")]
    [InlineData(Make + "/properties/size", null, "POST /things: body.size is gone")]
    [InlineData(Make + "/properties/size/type", "\"string\"", "POST /things: body.size: type was integer and is string")]
    [InlineData(Make + "/properties/name/enum", """[ "A" ]""", "POST /things: body.name: is one of A now")]
    [InlineData(Thing + "/properties/name", null, "GET /things: answer 200[].name is gone")]
    [InlineData(Thing + "/properties/id/type", """[ "string", "null" ]""", "GET /things: answer 200[].id: type was string and is string or null")]
    [InlineData(Thing + "/properties/state/enum/1", null, "GET /things: answer 200[].state: Off is gone")]
    [InlineData(Thing + "/properties/state/enum/2", "\"Broken\"", "GET /things: answer 200[].state: Broken is new, and no client knows it")]
    [InlineData(Thing + "/required/1", null, "GET /things: answer 200[].state may be left out now")]
    [InlineData("components/schemas/Reason/enum/0", "\"Away\"", "GET /things: answer 404.reason: Gone is gone")]
    public void What_breaks_clients_is_named_once(string path, string? value, string change) =>
        ContractChanges.Breaking(Parse(), With(path, value)).ShouldBe([change]);

    [Theory]
    [InlineData("paths//new", """{ "get": { "responses": {} } }""")]
    [InlineData("paths//things/delete", """{ "responses": {} }""")]
    [InlineData(Post + "/security", null)]
    [InlineData(Get + "/responses/500", "{}")]
    [InlineData(Get + "/parameters/1/required", null)]
    [InlineData(Get + "/parameters/2", """{ "name": "x", "in": "query" }""")]
    [InlineData("components/schemas/Kind/enum/2", "\"Green\"")]
    [InlineData("components/schemas/Reason/enum/1", "\"Broken\"")]
    [InlineData(Make + "/required/0", null)]
    [InlineData(Make + "/properties/colour", """{ "type": "string" }""")]
    [InlineData(Make + "/properties/size/type", """[ "integer", "null" ]""")]
    [InlineData(Thing + "/required/2", "\"name\"")]
    [InlineData(Thing + "/properties/colour", """{ "type": "string" }""")]
    [InlineData(Thing + "/description", "\"A thing.\"")]
    public void Compatible_changes_are_not_reported(string path, string? value) => ContractChanges.Breaking(Parse(), With(path, value)).ShouldBeEmpty();

    private static JsonObject Parse() => JsonNode.Parse(Document)!.AsObject();

    // The document with a value at a path, or without what is there. "//" stands for a path's own slash.
    private static JsonObject With(string path, string? value)
    {
        var document = Parse();
        var names = path.Replace("//", "/~", StringComparison.Ordinal).Split('/').Select(name => name.Replace('~', '/')).ToList();
        JsonNode parent = document;
        foreach (var name in names[..^1])
        {
            parent = parent is JsonArray array ? array[int.Parse(name, CultureInfo.InvariantCulture)]! : parent[name]!;
        }

        var node = value is null ? null : JsonNode.Parse(value);
        if (parent is JsonArray elements)
        {
            var i = int.Parse(names[^1], CultureInfo.InvariantCulture);
            if (i < elements.Count)
            {
                elements.RemoveAt(i);
            }

            if (node is not null)
            {
                elements.Insert(i, node);
            }
        }
        else if (node is null)
        {
            parent.AsObject().Remove(names[^1]);
        }
        else
        {
            parent[names[^1]] = node;
        }

        return document;
    }
}
