namespace DineHub.AppHost.Databases;

/// <summary>A PostgreSQL server process on this machine, as far as its settings depend on it.</summary>
/// <param name="ListenAddress">The address that it listens on, such as <c>127.0.0.1</c>.</param>
/// <param name="Port">Its port, 1 to 65535.</param>
/// <param name="SocketDirectory">The folder of its unix socket, which only the server's user may enter; unused where the path is too long for a socket.</param>
/// <param name="ArchiveCommand">The shell command that archives a WAL file: <see cref="ServerSettings.ArchiveCommand"/>.</param>
/// <param name="UsesCitus">Whether it loads Citus.</param>
internal sealed record ProcessServer(string ListenAddress, int Port, string SocketDirectory, string ArchiveCommand, bool UsesCitus);
