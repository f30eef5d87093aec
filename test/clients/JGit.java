import java.io.File;
import org.eclipse.jgit.api.Git;
import org.eclipse.jgit.api.TransportCommand;
import org.eclipse.jgit.transport.JschConfigSessionFactory;
import org.eclipse.jgit.transport.OpenSshConfig;
import org.eclipse.jgit.transport.SshSessionFactory;

/** JGit: {@code clone URL DIRECTORY 0} or {@code fetch DIRECTORY 0}. */
public class JGit {
  public static void main(String[] words) throws Exception {
    // Keys and known hosts are looked for there.
    System.setProperty("user.home", System.getenv("HOME"));
    SshSessionFactory.setInstance(
        new JschConfigSessionFactory() {
          @Override
          protected void configure(OpenSshConfig.Host host, com.jcraft.jsch.Session session) {}
        });
    if (words[0].equals("clone")) {
      File directory = new File(words[2]);
      prepare(Git.cloneRepository().setURI(words[1]).setDirectory(directory)).call().close();
    } else {
      try (Git git = Git.open(new File(words[1]))) {
        prepare(git.fetch()).call();
      }
    }
  }

  /** Without a program of its own a path is read by JGit itself. */
  private static <C extends TransportCommand<C, ?>> C prepare(C command) {
    String program = System.getenv("UPLOAD_PACK");
    return command.setTransportConfigCallback(
        transport -> {
          if (program != null) transport.setOptionUploadPack(program);
        });
  }
}
