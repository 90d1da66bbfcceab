//! What the processes are to the system.

macro_rules! process_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Run in the background.
    ///
    /// The command returns when the server is ready to serve, or with its exit code if it cannot. Under a service
    /// manager leave it off.
    daemon: bool = false => new(Section::Process, Kind::Switch).short('D').at_start_only();

    /// Write the process id to this file.
    ///
    /// A file that a dead process left behind is replaced; one of a living process ends the start. During an upgrade
    /// the new process writes to the same name with .2 at its end.
    pidfile: Option<PathBuf> = None => new(Section::Process, Kind::Text { name: "FILE" })
        .short('p').long("pid").at_start_only();

    /// Run the workers as this user.
    ///
    /// A name or a number. It takes the rights of root to start. The user owns the files of the logs then; on their way
    /// there must be no symbolic link that others than root can have made.
    user: Option<String> = None => new(Section::Process, Kind::Account { name: "USER" }).short('u').at_start_only();

    /// Run the workers as this group.
    ///
    /// A name or a number; the group of the user if only user is set.
    group: Option<String> = None => new(Section::Process, Kind::Account { name: "GROUP" }).short('g').at_start_only();

    /// Give the workers all groups that the user is a member of.
    initgroups: bool = false => new(Section::Process, Kind::Switch).at_start_only();

    /// Take these permission bits away from files and sockets that are created.
    ///
    /// Octal numbers are written with a leading 0 or 0o on the command line and with 0o in the file; 18, 022, 0o22 and
    /// 0x12 are the same mask. Without it the workers keep the mask that rustcorn was started with, and Unix sockets
    /// are open to everybody. A Unix socket that is open already keeps its mode and its owner, through an upgrade too.
    umask: Option<u32> = None => new(Section::Process, Kind::Mode).short('m').at_start_only();

    /// Show this name in the list of processes.
    ///
    /// Process titles say the role, and for a worker its slot, generation and application.
    proc_name: Option<String> = None => new(Section::Process, Kind::Text { name: "NAME" }).short('n').long("name");

    /// Leave to workers their standard output and, as a daemon, all standard streams.
    ///
    /// Otherwise what a Python application prints, without saying where to, becomes lines of the operator log, with time
    /// and process, as long as its level is info or lower; and a daemon's streams lead nowhere.
    enable_stdio_inheritance: bool = false => new(Section::Process, Kind::Switch).short('R').at_start_only();

        } $($rest)* }
    };
}
