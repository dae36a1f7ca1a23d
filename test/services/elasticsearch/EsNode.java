/**
 * One Elasticsearch node in this JVM, without its launcher: that one wants a whole distribution, refuses root and installs
 * a security policy; org.elasticsearch.node.Node needs none of these.
 *
 *     java -cp 'classes:lib/*' EsNode HOME CONFIG      stops on SIGTERM
 *
 * All by reflection, so that one class, compiled by any JDK from 17 on, starts 8.19 and 9.x, whose classes need Java 21 and
 * whose loadModulesBundles has one parameter more.
 */
import java.lang.reflect.*;
import java.nio.file.Path;
import java.util.*;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

public class EsNode {
    static Class<?> c(String n) throws Exception { return Class.forName("org.elasticsearch." + n); }
    static Object call(String cls, Object self, String name, Object... args) throws Exception {
        for (Method m : c(cls).getMethods())
            if (m.getName().equals(name) && m.getParameterCount() == args.length) {
                boolean fits = true;
                for (int i = 0; i < args.length; i++) {
                    Class<?> p = m.getParameterTypes()[i];
                    fits &= p == boolean.class ? args[i] instanceof Boolean : args[i] == null || p.isInstance(args[i]);
                }
                if (fits) return m.invoke(self, args);
            }
        throw new NoSuchMethodException(cls + "." + name + "/" + args.length);
    }
    static Object settings(String k, String v) throws Exception {
        Object b = call("common.settings.Settings", null, "builder");
        call("common.settings.Settings$Builder", b, "put", k, v);
        return call("common.settings.Settings$Builder", b, "build");
    }
    public static void main(String[] a) throws Exception {
        Path home = Path.of(a[0]), config = Path.of(a[1]);
        String log = "common.logging.LogConfigurator", loader = "plugins.PluginsLoader";
        call(log, null, "setNodeName", "node-1");
        call(log, null, "configureWithoutConfig", settings("logger.level", System.getProperty("es.log.level", "WARN")));
        call(log, null, "configureESLogging");
        Object env = call("node.InternalSettingsPreparer", null, "prepareEnvironment",
            settings("path.home", home.toString()), Map.of(), config, (Supplier<String>) () -> "node-1");
        Path modules = home.resolve("modules");
        Object bundles;
        try { bundles = call(loader, null, "loadModulesBundles", modules); }
        catch (NoSuchMethodException e) { bundles = call(loader, null, "loadModulesBundles", modules, false); }
        Object plugins = call(loader, null, "createPluginsLoader", bundles, Set.of(), Map.of(), false);
        Object node = c("node.Node").getConstructor(c("env.Environment"), c(loader)).newInstance(env, plugins);
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try { call("node.Node", node, "prepareForClose"); call("node.Node", node, "close"); }
            catch (Exception e) { e.printStackTrace(); } finally { stopped.countDown(); }
        }));
        call("node.Node", node, "start");
        System.out.println("started");
        stopped.await();
    }
}
