namespace DineHub.Database.Backups;

/// <summary>A backup, a restore or a restore point could not be made, or a repository is damaged; the message says what to do.</summary>
/// <param name="message">What is wrong, and the remedy.</param>
/// <param name="cause">What showed it.</param>
public sealed class BackupException(string message, Exception? cause = null) : Exception(message, cause);
