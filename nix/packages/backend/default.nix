# The backend: DineHub.Api, which serves the HTTP API and has the `db` verbs. deps.json has the hashes of what it restores;
# update-deps.sh writes it, and `update-deps.sh --check` tells when it is stale.
{
  lib,
  buildDotnetModule,
  dotnetCorePackages,
}:

let
  root = ../../..;
  project =
    folder:
    lib.fileset.difference folder (
      lib.fileset.unions (
        map lib.fileset.maybeMissing [
          (folder + "/bin")
          (folder + "/obj")
        ]
      )
    );
in
buildDotnetModule {
  pname = "dinehub-api";
  version = "0.1.0";

  # Its sources only: a change of the documentation triggers no rebuild.
  src = lib.fileset.toSource {
    inherit root;
    fileset = lib.fileset.unions [
      (root + "/Directory.Build.props")
      (root + "/Directory.Packages.props")
      (root + "/LICENSE")
      (project (root + "/DineHub.Api"))
      (project (root + "/DineHub.Database"))
      (project (root + "/DineHub.ServiceDefaults"))
    ];
  };

  projectFile = "DineHub.Api/DineHub.Api.csproj";
  nugetDeps = ./deps.json;
  dotnet-sdk = dotnetCorePackages.sdk_10_0;
  dotnet-runtime = dotnetCorePackages.aspnetcore_10_0;
  selfContainedBuild = false;
  executables = [ "DineHub.Api" ];
  # They start real clusters; CI runs them.
  doCheck = false;
  # nixpkgs' compiler may know warnings that the one of global.json does not: not the place to find out.
  dotnetFlags = [ "-p:TreatWarningsAsErrors=false" ];

  meta = {
    description = "Backend of DineHub, a restaurant ordering system";
    mainProgram = "DineHub.Api";
    license = lib.licenses.mit;
    platforms = lib.platforms.linux;
  };
}
