import "htmx.org";
import Alpine from "@alpinejs/csp";
import { listen, slug, tabs } from "./components.js";
import { watch } from "./live.js";
import { playground } from "./playground.js";
import { call } from "./snippets.js";
import { upload } from "./upload.js";

Alpine.data("call", call);
Alpine.data("playground", playground);
Alpine.data("slug", slug);
Alpine.data("tabs", tabs);
Alpine.data("upload", upload);
Alpine.data("watch", watch);
Alpine.start();
listen();
